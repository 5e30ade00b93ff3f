import './base.css';
import './market.css';
import './detail.css';
import './reviews.css';
