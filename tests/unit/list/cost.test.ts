import { describe, expect, test } from "bun:test";
import { mayTakeLong } from "../../../src/db/list-cost";
import { clientFields } from "../../../src/features/clients/fields";
import { parse } from "./support";

const somebody = "01941f29-7c00-7000-8000-000000000001";

describe("a list is quick when one index gives it in order", () => {
  test.each([
    "",
    "count=none",
    "limit=200",
    "page=5&limit=200",
    "sort=name",
    "sort=-name",
    "sort=company",
    "sort=-updated_at",
    "status=active",
    "status=active&sort=status",
    "filter[status]=active&sort=-created_at",
    `assigned_to=${somebody}`,
    `filter[created_by]=${somebody}&sort=created_at`,
    "filter[name]=acme&sort=name",
  ])("%p", (query) => {
    expect(mayTakeLong(clientFields, parse(query))).toBe(false);
  });
});

describe("any other may have to look at every record", () => {
  test.each([
    "count=exact",
    "deleted=only",
    "deleted=only&sort=name",
    "deleted=with",
    "page=10&limit=200",
    "page=500",
    "sort=status,name",
    "sort=name,company",
    "status=active&sort=name",
    `status=active&assigned_to=${somebody}`,
    "filter[name]=acme",
    "filter[name][gt]=zzz",
    "filter[name][starts_with]=a&sort=name",
    "filter[name][contains]=a",
    "filter[created_at][lt]=2001-01-01T00:00:00Z&sort=-name",
    "filter[created_at][lt]=2001-01-01T00:00:00Z",
    "filter[email][gte]=zz&sort=name&count=none",
    "filter[assigned_to][is_null]=true",
    "filter[status][ne]=active",
    "filter[status][in]=active,inactive",
    "filter[tags]=vip",
    "filter[industry]=steel",
    "filter[phone]=%2B4722442222",
  ])("%p", (query) => {
    expect(mayTakeLong(clientFields, parse(query))).toBe(true);
  });
});
