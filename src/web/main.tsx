import { render } from 'preact';
import { Gate } from './components/gate.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/cards.css';
import './styles/query.css';
import './styles/states.css';

const root = document.getElementById('app');
if (root) render(<Gate send={(url, init) => fetch(url, init)} />, root);
