import './base.css';
import './market.css';
