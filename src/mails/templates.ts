import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Liquid } from "liquidjs";
import { ConfigError } from "../config/error";
import { readNamed } from "../config/read-text";
import { embeddedTemplates } from "./embedded";
import { mailTemplates, type MailTemplate } from "./names";
import { samples, type TemplateValues } from "./samples";

/** A mail as its template makes it. */
export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

const suffix = ".liquid";
const subjectLine = /^\s*Subject:([^\n]*)\n/;

/** The templates of mails: those of the executable, and in their place those that an operator wrote. */
export class Templates {
  readonly #sources: Readonly<Record<string, string>>;
  #engines: Promise<{ text: Liquid; html: Liquid }> | undefined;

  /** @param changed by name, such as `task_assigned.html` */
  constructor(changed: Readonly<Record<string, string>> = {}) {
    this.#sources = { ...embeddedTemplates, ...changed };
  }

  /**
   * Renders a mail. In HTML, values are escaped.
   * @throws Error saying where the template is wrong, or which value it wants and does not get
   */
  async render(name: MailTemplate, values: TemplateValues): Promise<RenderedMail> {
    const { text, html } = await (this.#engines ??= this.#open());
    const shown = onOneLine(values);
    const whole = await renderFile(text, `${name}.text`, shown);
    const [line, subject = ""] = subjectLine.exec(whole) ?? [];
    const oneLine = subject.replaceAll(/\s+/g, " ").trim();
    if (line === undefined || oneLine === "") {
      throw new Error(`it has to begin with "Subject: …" and a line break, file:${name}.text`);
    }
    return {
      subject: oneLine,
      text: `${whole
        .slice(line.length)
        .trim()
        .replaceAll(/\n{3,}/g, "\n\n")}\n`,
      html: await renderFile(html, `${name}.html`, shown),
    };
  }

  /** Loaded with the first mail: it takes 20 ms of a start. */
  async #open() {
    const { Liquid } = await import("liquidjs");
    const options = {
      templates: { ...this.#sources },
      cache: true,
      strictVariables: true,
      strictFilters: true,
    };
    return {
      text: new Liquid(options),
      html: new Liquid({ ...options, outputEscape: (value) => Bun.escapeHTML(String(value ?? "")) }),
    };
  }
}

/** Names and titles are one line each: nobody adds lines to a mail by what they call something. */
const onOneLine = (values: TemplateValues): TemplateValues =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" && name !== "message" ? value.replaceAll(/\s+/g, " ") : value,
    ]),
  );

/** @throws Error that names the file; liquidjs does not for a missing value */
async function renderFile(engine: Liquid, file: string, values: TemplateValues): Promise<string> {
  try {
    return String(await engine.renderFile(file, values));
  } catch (error) {
    const [said = ""] = (error as Error).message.split("\n");
    throw new Error(said.includes("file:") ? said : `${said}, file:${file}`, { cause: error });
  }
}

/**
 * The templates with those in `<dataDir>/templates` over them, each rendered once to see that it can be.
 * @throws ConfigError that names every file which is no template, and every template that is wrong
 */
export async function loadTemplates(dataDir: string): Promise<Templates> {
  const folder = join(dataDir, "templates");
  const { changed, problems } = readChanged(folder);
  const templates = new Templates(changed);
  // Those of the executable are right: tests see to that.
  const toCheck = Object.keys(changed).length > 0 ? mailTemplates : [];
  for (const name of toCheck) {
    try {
      await templates.render(name, samples[name]);
    } catch (error) {
      problems.push(`${folder}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return templates;
}

function readChanged(folder: string) {
  const changed: Record<string, string> = {};
  const { files, problems } = filesIn(folder);
  for (const file of files) {
    const name = file.slice(0, -suffix.length);
    const path = join(folder, file);
    if (file !== name + suffix || !Object.hasOwn(embeddedTemplates, name)) {
      const names = Object.keys(embeddedTemplates).map((each) => each + suffix);
      problems.push(`${path}: is no template; these are: ${names.join(", ")}`);
      continue;
    }
    const read = readNamed(path);
    if ("problem" in read) problems.push(read.problem);
    else if (read.text.includes("\ufffd")) problems.push(`${path}: is not UTF-8`);
    else changed[name] = read.text;
  }
  return { changed, problems };
}

function filesIn(folder: string): { files: string[]; problems: string[] } {
  try {
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return { files: files.filter((file) => !file.startsWith(".")).toSorted(), problems: [] };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { files: [], problems: [`${folder}: cannot be read (${code ?? message})`] };
  }
}
