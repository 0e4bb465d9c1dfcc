/** The monitoring page, as it lies in the executable. */
import plot from "uplot/dist/uPlot.iife.min.js" with { type: "file" };
import plotLook from "uplot/dist/uPlot.min.css" with { type: "file" };
import type { PageSource } from "../page";
import charts from "./charts.js" with { type: "file" };
import icon from "./icon.svg" with { type: "file" };
import html from "./page.html" with { type: "text" };
import start from "./monitor.js" with { type: "file" };
import style from "./style.css" with { type: "file" };

/** The page that shows admins how the server is. */
export const monitorPage: PageSource = {
  html: html as unknown as string,
  files: {
    "charts.js": [charts, "text/javascript; charset=utf-8"],
    "icon.svg": [icon, "image/svg+xml"],
    "monitor.js": [start, "text/javascript; charset=utf-8"],
    "style.css": [style, "text/css; charset=utf-8"],
    "uplot.css": [plotLook, "text/css; charset=utf-8"],
    "uplot.js": [plot, "text/javascript; charset=utf-8"],
  },
};
