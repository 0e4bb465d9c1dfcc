import { parse } from "exifr";
import { facts, previewSizes, Unreadable, type Contents, type Preview, type PreviewSize } from "./contents";

/** More than any camera makes; what claims more would fill the memory. */
export const maxPixels = 50e6;

const open = (bytes: Uint8Array<ArrayBuffer>) => new Bun.Image(bytes, { maxPixels });

/** The size of an image, what its camera wrote into it but for where it stood, and its previews. @throws Unreadable */
export async function readImage(bytes: Uint8Array<ArrayBuffer>): Promise<Contents> {
  try {
    const { width, height } = await open(bytes).metadata();
    const previews = await previewsOf(bytes);
    return {
      metadata: { ...facts({ width, height }), ...(await cameraFacts(bytes)) },
      ...{ text: null, isCut: false, previews },
    };
  } catch (error) {
    throw unreadable(error);
  }
}

/** Largest first, each made from the one before: most of the time goes into encoding the large one, the others cost next to nothing. */
async function previewsOf(bytes: Uint8Array<ArrayBuffer>): Promise<Preview[]> {
  const previews: Preview[] = [];
  let from = bytes;
  for (const [size, most] of Object.entries(previewSizes).toReversed() as [PreviewSize, number][]) {
    const preview = await shrunk(from, most, size === "large" ? 85 : 80);
    previews.push({ size, ...preview });
    from = preview.bytes;
  }
  return previews;
}

/** An image in WebP, upright, of which no side is longer than `most`. */
export async function shrunk(bytes: Uint8Array<ArrayBuffer>, most: number, quality: number) {
  const image = open(bytes).resize(most, most, { fit: "inside", withoutEnlargement: true }).webp({ quality });
  const made = new Uint8Array(await image.bytes());
  return { bytes: made, width: image.width, height: image.height };
}

const camera = ["Make", "Model", "LensModel", "DateTimeOriginal", "Orientation", "Software"] as const;
const more = [
  "ExposureTime",
  "FNumber",
  "ISO",
  "FocalLength",
  "Artist",
  "Copyright",
  "ImageDescription",
] as const;

/** What its camera wrote, where it did. Where the camera stood is nobody's business but the file's own. */
async function cameraFacts(bytes: Uint8Array): Promise<Contents["metadata"]> {
  const pick = [...camera, ...more];
  const options = {
    pick,
    gps: false,
    xmp: false,
    icc: false,
    iptc: false,
    translateValues: false,
    reviveValues: false,
  };
  const exif = (await parse(bytes, options).catch(() => undefined)) as Record<string, unknown> | undefined;
  if (!exif) return {};
  return facts({
    ...{ camera_make: exif["Make"], camera_model: exif["Model"], lens: exif["LensModel"] },
    ...{ taken_at: localTime(exif["DateTimeOriginal"]), orientation: exif["Orientation"] },
    ...{ exposure_seconds: exif["ExposureTime"], f_number: exif["FNumber"], iso: exif["ISO"] },
    ...{ focal_length_mm: exif["FocalLength"], software: exif["Software"], author: exif["Artist"] },
    ...{ copyright: exif["Copyright"], title: exif["ImageDescription"] },
  });
}

/** A camera knows no time zone: `2026:11:26 09:30:00` is that time wherever it was. */
function localTime(value: unknown): string | undefined {
  const parts = typeof value === "string" ? /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(value) : null;
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}` : undefined;
}

const codes: Record<string, string> = {
  ERR_IMAGE_TOO_MANY_PIXELS: "It has more than 50 million pixels.",
  ERR_IMAGE_UNKNOWN_FORMAT: "It is no image that can be read.",
  ERR_IMAGE_DECODE_FAILED: "It is a damaged image.",
  ERR_IMAGE_FORMAT_UNSUPPORTED: "Images of this kind are not read.",
};

/** Whatever else the decoder says of these bytes, it will say again. */
export const unreadable = (error: unknown): Unreadable =>
  new Unreadable(codes[(error as { code?: string }).code ?? ""] ?? "It is a damaged image.", {
    cause: error,
  });
