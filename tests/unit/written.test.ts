import { expect, test } from "bun:test";
import { Written } from "../../src/written";

const views = [
  { name: "Acme", notes: null },
  { name: "Đặng & Sons", notes: "line\nline \u2028 \u0000" },
  { name: "株式会社 🦊", notes: '"\\' },
  { name: "\ud83d", notes: "half of a pair" },
];
const pagination = {
  page: 1,
  limit: 20,
  total: null,
  total_pages: null,
  total_capped: false,
  next_cursor: "é",
};
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a record is the bytes of its JSON", () => {
  for (const view of views) {
    const written = new Written(3, view);
    const json = JSON.stringify(view);
    expect(textOf(written.toBytes())).toBe(json);
    expect([written.version, written.size]).toEqual([3, Buffer.byteLength(json)]);
  }
});

test("a page is the bytes of its JSON", () => {
  for (const data of [views, views.slice(0, 1)]) {
    const page = { data: data.map((view) => new Written<unknown>(1, view)), pagination };
    expect(textOf(Written.page(page).bytes)).toBe(JSON.stringify({ data, pagination }));
  }
});

test("within something else it is written as what it is", () => {
  expect(JSON.stringify({ found: views.map((view) => new Written(1, view)) })).toBe(
    JSON.stringify({ found: views }),
  );
});
