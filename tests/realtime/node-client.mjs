// A client as people write them: npm's ws under Node. Prints every frame as a line, then the code it was closed with.
import { WebSocket } from "ws";

const [url, token, after] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.on("open", () => socket.send(JSON.stringify({ type: "auth", token, after: Number(after) })));
socket.on("message", (data) => console.log(String(data)));
socket.on("error", () => {});
socket.on("close", (code) => console.log(JSON.stringify({ type: "closed", payload: code })));
