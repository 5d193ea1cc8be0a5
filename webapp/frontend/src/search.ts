import "./styles/search.css";
