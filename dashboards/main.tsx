import { render } from "preact";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
render(<h1>Starling</h1>, root);
