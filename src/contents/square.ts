import { PNG } from "pngjs";
import { maxPixels, shrunk, unreadable } from "./image";
import { Unreadable, type Preview } from "./contents";

/** The sides of a person's picture. */
const side = 256;
/** A picture that is longer has no middle that shows anything. */
const mostRatio = 8;

/** The middle of an image as a square, upright and without what its camera wrote; WebP. @throws Unreadable */
export async function squareOf(bytes: Uint8Array<ArrayBuffer>): Promise<Preview> {
  try {
    const { width, height } = await new Bun.Image(bytes, { maxPixels }).metadata();
    const [short, long] = [Math.min(width, height), Math.max(width, height)];
    if (long > short * mostRatio) throw new Unreadable(`It is more than ${mostRatio} times as long as wide.`);
    const scale = Math.min(1, side / short);
    const [w, h] = [width, height].map((length) => Math.max(1, Math.round(length * scale))) as [
      number,
      number,
    ];
    const whole = new Bun.Image(bytes, { maxPixels })
      .resize(w, h, { fit: "fill" })
      .png({ compressionLevel: 1 });
    return { size: "small", ...(await shrunk(middleOf(await whole.buffer()), side, 85)) };
  } catch (error) {
    throw error instanceof Unreadable ? error : unreadable(error);
  }
}

/** Bun's images are shrunk and turned, and not cut: so their pixels are. */
function middleOf(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const whole = PNG.sync.read(bytes);
  const short = Math.min(whole.width, whole.height);
  const middle = new PNG({ width: short, height: short });
  const [left, top] = [whole.width - short, whole.height - short].map((rest) => Math.floor(rest / 2));
  PNG.bitblt(whole, middle, left, top, short, short, 0, 0);
  return new Uint8Array(PNG.sync.write(middle, { deflateLevel: 1 }));
}
