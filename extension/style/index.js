import './base.css';
import './market.css';
import './detail.css';
