import { expect, test } from "bun:test";
import { mentionsIn } from "../../../src/features/notifications/mentions";

test("finds the addresses that a text mentions, without what ends the sentence", () => {
  const text = "Ask @Lan@Example.com, (@minh@example.com) or @lan@example.com?! Not lan@example.com.";
  expect(mentionsIn(text)).toEqual(["lan@example.com", "minh@example.com"]);
  expect(mentionsIn("@a@b!?.’'")).toEqual(["a@b"]);
  expect(mentionsIn("nobody @ all, @nobody")).toEqual([]);
});

test.each([
  ["'s", ""],
  ["’s", ""],
  ["**", "**"],
  ["_", "_"],
  ["`", "`"],
  ["”", "“"],
  ["»", "«"],
  ["…", ""],
  ["—please", ""],
  ["/@lan@example.com", ""],
  ["。", ""],
  ["-", "- "],
])("finds an address with %p after it", (after, before) => {
  expect(mentionsIn(`${before}@minh@example.com${after}`)).toContain("minh@example.com");
});

test.each(["@o'hara+x@my-host.example.com", "@ngọc@bücher.example", "@a_b@c_d.example"])(
  "takes %s whole",
  (text) => {
    expect(mentionsIn(`${text}!`)).toEqual([text.slice(1)]);
  },
);

test("is done with a text of nothing but dots before anybody waits", () => {
  // Where each dot began the search anew, this would take longer than a test may.
  const dots = ".".repeat(400_000);
  expect(mentionsIn(`@a@b${dots}x @a@b${dots}`)).toEqual([`a@b${dots}x`, "a@b"]);
});
