import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../../../src/config/error";
import { embeddedTemplates } from "../../../src/mails/embedded";
import { mailTemplates } from "../../../src/mails/names";
import { samples } from "../../../src/mails/samples";
import { loadTemplates, Templates } from "../../../src/mails/templates";
import { neocrm } from "../../support/terminal";
import { temporaryDirectory, write } from "../config/support";

const task = samples.task_assigned;

/** The problems of a data directory with these templates. */
async function problemsWith(files: Record<string, string>): Promise<readonly string[]> {
  const dataDir = temporaryDirectory();
  write(join(dataDir, "templates"), files);
  try {
    await loadTemplates(dataDir);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("every template", () => {
  test.each(mailTemplates.map((name) => [name]))(
    "%s says the same as text and as HTML, and no more",
    async (name) => {
      const { subject, text, html } = await new Templates().render(name, samples[name]);
      expect(subject).toMatch(/^\S.*\S$/);
      const { name: person, url, link, message, token } = samples[name];
      for (const value of [person, message, token]) {
        if (value == null) continue;
        expect(text).toContain(String(value));
        expect(html).toContain(Bun.escapeHTML(String(value)));
      }
      const way = url === undefined ? link : url;
      if (way != null) {
        expect(text).toMatch(new RegExp(`^${RegExp.escape(String(way))}$`, "m"));
        expect(html).toContain(`<a href="${Bun.escapeHTML(String(way))}">`);
      }
      expect(text + html).not.toMatch(/\{[{%]|undefined|null|\n{3}/);
      expect(html).not.toMatch(/<them>/);
    },
  );

  test("is there as text and as HTML", () => {
    const names = ["layout", ...mailTemplates].flatMap((name) => [`${name}.html`, `${name}.text`]);
    expect(Object.keys(embeddedTemplates).toSorted()).toEqual(names.toSorted());
  });
});

describe("what people chose as a name", () => {
  test("is text, in every place", async () => {
    const evil = `<script>alert("1")</script> {{ 7 | times: 6 }}\r\nBcc: x@y.example`;
    const { subject, html } = await new Templates().render("task_assigned", {
      ...task,
      title: evil,
      name: evil,
    });
    expect(subject).toBe(`<script>alert("1")</script> {{ 7 | times: 6 }} Bcc: x@y.example`);
    expect(html).not.toContain("<script>");
    expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; {{ 7 | times: 6 }}");
  });
});

describe("a template in the data directory", () => {
  test("stands over that of the program, also where others build on it", async () => {
    const dataDir = temporaryDirectory();
    write(join(dataDir, "templates"), {
      "task_assigned.text.liquid": "Subject: [CRM] {{ title }}\n\nOurs: {{ message | upcase }}",
      "layout.html.liquid": "<h1>Ours</h1>{% block body %}{% endblock %}{% block why %}{% endblock %}",
      ".hidden": "an editor's",
    });
    const templates = await loadTemplates(dataDir);
    expect(await templates.render("task_assigned", task)).toMatchObject({
      subject: `[CRM] ${task.title}`,
      text: "Ours: LAN NGUYEN ASSIGNED IT TO YOU.\n",
      html: expect.stringMatching(/^<h1>Ours<\/h1>/),
    });
    expect((await templates.render("mention", samples.mention)).html).toMatch(/^<h1>Ours<\/h1>/);
    const { code, out } = await neocrm(["mail", "preview", "task_assigned", "--data-dir", dataDir]);
    expect([code, out]).toEqual([0, `Subject: [CRM] ${task.title}\n\nOurs: LAN NGUYEN ASSIGNED IT TO YOU.`]);
  });

  test.each([
    [
      "wants what is not there",
      { "mention.html.liquid": "<p>{{ titel }}</p>" },
      /undefined variable: titel, line:1.*mention\.html/,
    ],
    [
      "is not closed",
      { "mention.text.liquid": "Subject: x\n\n{% if url %}" },
      /if.*not closed.*mention\.text/,
    ],
    [
      "has a filter that there is not",
      { "mention.text.liquid": "Subject: x\n\n{{ title | shout }}" },
      /shout.*mention\.text/,
    ],
    [
      "has no subject",
      { "mention.text.liquid": "{{ title }}" },
      /has to begin with "Subject: …".*mention\.text/,
    ],
    ["has an empty subject", { "mention.text.liquid": "Subject:\n\nx" }, /has to begin with/],
    ["builds on nothing", { "mention.html.liquid": '{% layout "none.html" %}' }, /none\.html/],
  ])("that %s is a problem, and says where", async (_, files, said) => {
    const problems = await problemsWith(files);
    expect(problems).toEqual([expect.stringMatching(said)]);
    expect(problems[0]).toContain("/templates: ");
  });

  test.each([
    ["is a folder", (path: string) => mkdirSync(path), "cannot be read (EISDIR)"],
    ["leads nowhere", (path: string) => symlinkSync("nowhere", path), "cannot be read (ENOENT)"],
    [
      "is no text",
      (path: string) => writeFileSync(path, Buffer.from("Gr\xfc\xdfe", "latin1")),
      "is not UTF-8",
    ],
  ])("that %s is a problem, and named", async (_, make, said) => {
    const dataDir = temporaryDirectory();
    const path = join(dataDir, "templates", "mention.html.liquid");
    mkdirSync(dirname(path), { recursive: true });
    make(path);
    await expect(loadTemplates(dataDir)).rejects.toMatchObject({ problems: [`${path}: ${said}`] });
  });

  test("is looked for in a folder", async () => {
    const dataDir = temporaryDirectory();
    const path = join(dataDir, "templates");
    writeFileSync(path, "");
    await expect(loadTemplates(dataDir)).rejects.toMatchObject({
      problems: [`${path}: cannot be read (ENOTDIR)`],
    });
  });

  test("under a name that is none is a problem, and so is each that is wrong", async () => {
    const problems = await problemsWith({
      "mention.html": "x",
      "gossip.text.liquid": "x",
      "security.text.liquid": "x",
    });
    expect(problems).toEqual([
      expect.stringMatching(
        /templates\/gossip\.text\.liquid: is no template; these are: .*mention\.html\.liquid/,
      ),
      expect.stringMatching(/templates\/mention\.html: is no template/),
      expect.stringMatching(/file:security\.text/),
    ]);
  });

  test("that is wrong stops the command line with exit code 3", async () => {
    const dataDir = temporaryDirectory();
    write(join(dataDir, "templates"), { "mention.text.liquid": "{{" });
    const { code, err } = await neocrm(["mail", "preview", "mention", "--data-dir", dataDir]);
    expect([code, err]).toEqual([3, expect.stringContaining("The configuration cannot be used:")]);
  });
});

describe("neocrm mail preview", () => {
  test("shows the HTML when it is asked to", async () => {
    const { code, out } = await neocrm(["mail", "preview", "security", "--html"]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^<!doctype html>[^]*<\/html>$/)]);
  });

  test.each([
    [[]],
    [["preview"]],
    [["preview", "gossip"]],
    [["preview", "mention", "x"]],
    [["send", "mention"]],
  ])("%p is not understood", async (words) => {
    const { code, err } = await neocrm(["mail", ...words]);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/neocrm mail preview TYPE|these are: task_assigned/),
    ]);
  });
});
