const units = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes as people say it: `1.2 MB`. */
export function sizeOf(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let [amount, unit] = [bytes, 0];
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1_000;
    unit++;
  }
  return `${unit > 0 && amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`;
}

/** What people call files of a media type. */
const names: Readonly<Record<string, string>> = {
  "application/pdf": "PDF document",
  "application/msword": "Word document",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
  "application/vnd.ms-excel": "Excel table",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel table",
  "application/vnd.ms-powerpoint": "PowerPoint presentation",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint presentation",
  "application/vnd.oasis.opendocument.text": "Text document",
  "application/vnd.oasis.opendocument.spreadsheet": "Spreadsheet",
  "application/vnd.oasis.opendocument.presentation": "Presentation",
  "application/zip": "ZIP archive",
  "application/gzip": "Archive",
  "application/x-7z-compressed": "Archive",
  "application/xml": "XML file",
  "text/plain": "Text file",
  "text/html": "Web page",
  "image/svg+xml": "SVG drawing",
  "image/jpeg": "JPEG image",
};

const kinds: Readonly<Record<string, string>> = { audio: "audio file", font: "font", video: "video" };

/** What people call a file of this media type: `PDF document`, `PNG image`. */
export function typeName(type: string): string {
  const known = names[type];
  if (known !== undefined) return known;
  const [kind = "", form = ""] = type.split("/");
  const short = form.replace(/^x-/, "").toUpperCase();
  if (kind === "image") return `${short} image`;
  return kinds[kind] === undefined ? "File" : `${short} ${kinds[kind]}`;
}
