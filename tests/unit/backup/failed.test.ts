/** What the system says is said in words, with what was tried; a fault of the program stays one. */
import { expect, test } from "bun:test";
import { BackupFailed, explained } from "../../../src/backup/failed";

test.each([
  ["ENOSPC", "the disk is full"],
  ["EROFS", "the file system is read-only"],
  ["SQLITE_FULL", "the disk is full"],
  ["ENOENT", "it is not there"],
  ["ENOTCONN", "what is mounted there does not answer"],
  ["ESTALE", "what is mounted there does not answer"],
])("%s becomes words", (code, words) => {
  const error = Object.assign(new Error(code), { code });
  const found = explained("No backup could be made in /mnt/backups", error);
  expect(found).toBeInstanceOf(BackupFailed);
  expect((found as BackupFailed).message).toBe(`No backup could be made in /mnt/backups: ${words}.`);
});

test("everything else is as it was", () => {
  const error = new TypeError("undefined is not a function");
  expect(explained("No backup could be made", error)).toBe(error);
});
