// A file of its own, since the server's policy allows no script within the page.
SwaggerUIBundle({
  url: '../openapi.json',
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null, // nothing is sent elsewhere
});
