/** The page's dress: light and dark, from 360 px up. Charts take their colours from the same variables. */
export const style = `
:root { color-scheme: light dark; --paper: #faf8f4; --surface: #fff; --ink: #1e1c18; --muted: #676056; --line: #e3ddd2;
  --good: #0d6a5f; --bad: #a03c12; --series-1: #0d6a5f; --series-2: #b3541e; --series-3: #5a4fcf; --plot-background: var(--surface); }
@media (prefers-color-scheme: dark) { :root { --paper: #151412; --surface: #1e1c19; --ink: #f2eee6; --muted: #aba396; --line: #34302a;
  --good: #74cdbc; --bad: #f09a6d; --series-1: #74cdbc; --series-2: #f0a36d; --series-3: #a9a1ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font-family: Inter, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif; }
main, header { max-width: 1040px; margin: 0 auto; padding: 0 clamp(16px, 4vw, 40px); }
header { padding-top: 28px; } h1 { margin: 0; font-size: 1.7rem; overflow-wrap: anywhere; } h2 { margin: 0 0 8px; font-size: 1.25rem; }
header p, small { color: var(--muted); } nav ul { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; list-style: none; }
a { color: var(--good); } section { margin: 24px 0; padding: 20px clamp(12px, 3vw, 24px); background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
section p { max-width: 75ch; } .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 20px 28px; }
figure { margin: 0; min-width: 0; } figcaption { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .9rem; margin-bottom: 6px; }
figcaption b { flex-basis: 100%; } .key i { display: inline-block; width: 12px; height: 12px; margin-right: 6px; border-radius: 3px; vertical-align: -1px; }
figure svg { display: block; width: 100%; height: auto; max-width: 560px; overflow: visible; } .map svg { max-width: none; } .map circle { cursor: pointer; }
.map-frame { position: relative; } #tip { position: absolute; z-index: 1; display: flex; gap: 8px; align-items: center; max-width: 240px; padding: 6px 10px 6px 6px;
  background: var(--surface); border: 1px solid var(--line); border-radius: 6px; pointer-events: none; font-size: .85rem; } #tip[hidden] { display: none; }
#tip i { flex: none; width: var(--tile); height: var(--tile); border-radius: 4px; } .choose { display: inline-block; margin-bottom: 8px; max-width: 100%; }
select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 4px; max-width: 100%; }
.scroll { overflow-x: auto; max-width: 100%; } pre { padding: 12px; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; font-size: .85rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; } caption { text-align: left; padding: 10px 0 2px; font-weight: 600; }
th, td { padding: 4px 14px 4px 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; } th:first-child { text-align: left; font-weight: 500; } thead th { color: var(--muted); font-weight: 500; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 200px), 1fr)); gap: 10px 24px; } dt { color: var(--muted); font-size: .85rem; } dd { margin: 0; overflow-wrap: anywhere; }
.verdict { padding: 8px 12px; border-left: 4px solid var(--good); background: var(--paper); } .verdict.good b { color: var(--good); } .verdict.bad { border-color: var(--bad); } .verdict.bad b { color: var(--bad); }
.query { display: flex; flex-wrap: wrap; gap: 12px 20px; padding: 14px 0; border-top: 1px solid var(--line); } .asked { width: 150px; display: flex; flex-direction: column; gap: 2px; font-size: .85rem; overflow-wrap: anywhere; }
.query ol { flex: 1 1 260px; display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 10px; margin: 0; padding: 0; list-style: none; } .query li { font-size: .75rem; overflow-wrap: anywhere; display: flex; flex-direction: column; }
.query img, .gone { width: 100%; max-width: 112px; aspect-ratio: 1; object-fit: contain; background: #fff; border-radius: 6px; border: 2px solid var(--line); } .gone { display: grid; place-items: center; color: #676056; }
.right img { border-color: var(--good); } .wrong img { border-color: var(--bad); border-style: dashed; } details summary { cursor: pointer; margin: 12px 0 6px; }
`;
