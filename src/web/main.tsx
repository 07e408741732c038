import { render } from 'preact';
import { createClient } from './api/client.js';
import { App } from './components/app.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/cards.css';
import './styles/query.css';
import './styles/states.css';

const root = document.getElementById('app');
if (root) render(<App client={createClient((url, init) => fetch(url, init))} />, root);
