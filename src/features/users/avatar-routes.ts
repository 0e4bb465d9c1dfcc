import { Elysia } from "elysia";
import { Type } from "@sinclair/typebox";
import { second } from "../../clock";
import { unrepeatable, versioned } from "../../http/answer";
import { sendDownload } from "../../http/download";
import type { HttpKit } from "../../http/kit";
import { readForm } from "../../http/multipart";
import { Invalid, TooMany } from "../../errors";
import { IdParams } from "../../http/schema";
import { assertFits } from "../../http/refusals";
import { UnderWay } from "../../under-way";
import { gathered, type Avatars } from "./avatars";
import { UserView } from "./schema";

const AvatarForm = Type.Object({
  file: Type.String({ format: "binary", description: "A JPEG, PNG, WebP, GIF or BMP image." }),
});

/** Fields besides the file: more than there are, so that unknown ones are named. */
const formLimits = { files: 1, fields: 20, fieldBytes: 100_000 };
const NoFields = Type.Object({}, { additionalProperties: false });

/** The smallest of images, a BMP: it is one of few that can be written as text. */
const examplePicture = [
  "BM:\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
  "\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0",
  "\0".repeat(16),
  "\x20\x40\x60\0",
].join("");

/** Pictures of people over HTTP. */
export const avatarRoutes = (kit: HttpKit, avatars: Avatars) => {
  const oneByOne = oneOfEach();
  return new Elysia({ prefix: "/api", tags: ["Users"] })
    .use(kit)
    .post(
      "/users/avatar",
      ({ actor, request }) =>
        oneByOne(actor.userId!, async () => {
          let picture: Uint8Array<ArrayBuffer> | undefined;
          const fields = await readForm(request, formLimits, async (file) => {
            picture = await gathered(file.bytes);
          });
          assertFits(NoFields, Object.fromEntries(fields));
          if (picture) return avatars.set(actor, picture);
          throw new Invalid([{ field: "file", code: "required", message: "is required" }]);
        }),
      {
        form: AvatarForm,
        permission: "signed-in",
        answer: unrepeatable(versioned),
        returns: UserView,
        problems: ["file_too_large"],
        example: { file: { name: "me.bmp", content: examplePicture } },
        detail: {
          summary: "Give yourself a picture",
          description:
            "Its middle is kept as a square in WebP, without what the camera wrote; `avatar_url` says where. The one of before is gone.",
        },
      },
    )
    .get(
      "/avatars/:id",
      async ({ params, request, set }) => sendDownload(request, set, await avatars.read(params.id)),
      {
        permission: "public",
        params: IdParams,
        returns: Type.String({ title: "Avatar", contentMediaType: "image/webp" }),
        problems: ["range_not_satisfiable", "invalid_etag"],
        walk: { needs: ["avatars_id"] },
        detail: {
          summary: "A picture of somebody",
          description:
            "Everybody can read it who knows its address, which is told to those who may see the person. It never changes.",
          responses: {
            206: { description: "The part that `Range` asks for." },
            304: { description: "You have this picture." },
          },
        },
      },
    );
};

/** A picture is held as a whole while it comes in: of each user, one at a time. @throws TooMany for a second */
function oneOfEach() {
  const underWay = new UnderWay();
  return async <Result>(userId: string, work: () => Promise<Result>): Promise<Result> => {
    if (underWay.of(userId) > 0)
      throw new TooMany(
        "rate_limited",
        "A picture of yours is on its way in. One at a time.",
        second,
        "pictures",
      );
    underWay.add(userId, 1);
    try {
      return await work();
    } finally {
      underWay.add(userId, -1);
    }
  };
}
