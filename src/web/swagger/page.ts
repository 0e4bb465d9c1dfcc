/** Swagger UI, as it lies in the executable. */
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import favicon from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import look from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import type { PageSource } from "../page";
import html from "./page.html" with { type: "text" };
import start from "./start.js" with { type: "file" };
import style from "./style.css" with { type: "file" };

/** The page to read the API's document and try it out. */
export const swaggerPage: PageSource = {
  html: html as unknown as string,
  files: {
    "favicon.png": [favicon, "image/png"],
    "start.js": [start, "text/javascript; charset=utf-8"],
    "style.css": [style, "text/css; charset=utf-8"],
    "swagger-ui-bundle.js": [bundle, "text/javascript; charset=utf-8"],
    "swagger-ui.css": [look, "text/css; charset=utf-8"],
  },
};
