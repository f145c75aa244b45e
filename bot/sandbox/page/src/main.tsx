import { createRoot } from "react-dom/client";
import "slack-blocks-to-jsx/dist/style.css";
import { App } from "./App";
import "./style.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
