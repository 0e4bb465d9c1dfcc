import { describe, expect, test } from "bun:test";
import { clientFields } from "../../../src/features/clients/fields";
import { ClientInput } from "../../../src/features/clients/schema";
import { importFields } from "../../../src/features/imports/fields";
import { plain, suggested } from "../../../src/features/imports/mapping";
import { TaskInput } from "../../../src/features/tasks/schema";

/** Field → headers, as they are suggested. */
const mapped = (resource: "clients" | "tasks", headers: string) =>
  Object.fromEntries(
    Object.entries(suggested(importFields[resource], headers.split(","))).map(([field, source]) => [
      field,
      source.headers.join(source.join),
    ]),
  );

test("every field that a record is made from can be imported", () => {
  expect(Object.keys(importFields.clients).toSorted()).toEqual(
    Object.keys(ClientInput.properties).toSorted(),
  );
  expect(Object.keys(importFields.tasks).toSorted()).toEqual(Object.keys(TaskInput.properties).toSorted());
  expect(clientFields.resource).toBe("clients");
});

describe("the mapping that headers suggest", () => {
  test.each([
    ["Họ và tên,Điện thoại,Công ty,Địa chỉ,Ghi chú", { name: "Họ và tên", phone: "Điện thoại" }],
    [
      "Given Name,Family Name,E-mail 1 - Value",
      { name: "Given Name Family Name", email: "E-mail 1 - Value" },
    ],
    [
      "FIRST_NAME,Organization,Job Title,ZIP",
      { name: "FIRST_NAME", company: "Organization", position: "Job Title" },
    ],
    ["Name,Title,Address,City", { name: "Name", position: "Title", address: "Address, City" }],
    ["name,position,title", { position: "position" }],
    ["name,address", { address: "address" }],
  ])("%s", (headers, wanted) => {
    expect(mapped("clients", headers)).toMatchObject(wanted);
  });

  test("gives each column to one field", () => {
    const fields = suggested(importFields.tasks, [
      "name",
      "description",
      "notes",
      "key",
      "Due Date",
      "notes",
    ]);
    const columns = Object.values(fields).flatMap((source) => source.columns);
    expect(columns.length).toBe(new Set(columns).size);
    expect(fields["title"]).toMatchObject({ columns: [0] });
  });

  test("compares headers without what people write differently", () => {
    expect(plain(" E-Mail (Work) ")).toBe("emailwork");
    expect(plain("Số điện thoại")).toBe("sodienthoai");
  });
});
