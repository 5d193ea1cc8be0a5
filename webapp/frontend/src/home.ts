import "./styles/home.css";
