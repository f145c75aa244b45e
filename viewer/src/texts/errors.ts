/** Every word about a scene that can not be opened or shown, ready for translation. The page's first script needs no others. */
import { number } from "./numbers";

/** What went wrong in one sentence, and what the reader can do about it. */
export const errors = {
  unexpected: ["Something went wrong in the viewer.", "Reload the page. If it happens again, tell the people who sent the link."] as const,
  noWebgl: ["This browser can not draw 3D: WebGL 2 is off or missing.", "Turn on hardware acceleration in the browser's settings, update the browser, or open the link on another device."] as const,
  contextLost: ["The graphics driver stopped drawing.", "Reload the page. If it happens again, close other tabs with 3D in them."] as const,
  manifestAddress: (given: string) => [`The link's manifest address is not a web address: “${given}”.`, "It has to start with http:// or https://. Copy the whole link again."] as const,
  notFound: (what: string) => [what === theManifest ? "There is no splat at this link (404)." : `${what} is not there (404).`, "The link may be old, or the splat deleted. In Slack, /splat list gives fresh links."] as const,
  forbidden: (what: string, status: number) => [`The storage does not let you read ${what} (${status}).`, "The link may have expired, or the file is private: make it public-read, or ask for a fresh link."] as const,
  status: (what: string, status: number) => [`The storage answered ${status} for ${what}.`, "Wait a minute and reload. If it stays so, look at the storage's own status."] as const,
  unreachable: (what: string, host: string) => [`${what} could not be fetched from ${host}.`, "Check the connection and reload."] as const,
  cors: (what: string, host: string, origin: string) => [`${host} does not let this page read ${what}, or it can not be reached.`, `Allow the origin ${origin} with method GET in the CORS settings of the bucket, then reload.`] as const,
  mixed: (what: string, host: string) => [`${what} on ${host} has an http:// address, which an https:// page may not read.`, "Serve the files over https, or open the viewer over http."] as const,
  stalled: (what: string) => [`Loading ${what} stopped half-way.`, "Check the connection and reload."] as const,
  cut: (what: string) => [`The connection broke while loading ${what}.`, "Check the connection and reload."] as const,
  tooLarge: (what: string, mb: number) => [`${what} is too large for the viewer (limit ${number.format(Math.round(mb))} MB).`, "Publish the scene with fewer Gaussians."] as const,
  notJson: ["What the link names is not a manifest: it is not JSON.", "Check that the address after ?manifest= ends with manifest.json."] as const,
  badField: (field: string, wanted: string) => [`The manifest's field “${field}” is wrong: ${wanted}.`, "Publish the scene again, or correct the field in manifest.json."] as const,
  empty: (what: string) => [`${what} holds no Gaussians.`, "Run the job again; if the job was fine, the upload was cut off."] as const,
  brokenSplat: (what: string) => [`${what} is not a .splat file: its length is not a multiple of 32 bytes.`, "Upload or export it again; it may have been cut off."] as const,
  damaged: (what: string) => [`${what} is damaged: it does not hold what its start announces.`, "Upload or export it again; it may have been cut off."] as const,
  otherSpz: (what: string) => [`${what} is an .spz of another version than 2, 3 and 4.`, "Export it as .spz version 4, .sog or .ply; splat-transform converts it."] as const,
  notASplat: (what: string) => [`${what} is a web page or a text, not a splat.`, "Check the file's address in the manifest."] as const,
  unknownFile: (name: string) => [`“${name}” is no .sog, .spz, .splat or .ply file.`, "Drop one of these, with 3D Gaussians in it. Other formats can be converted with splat-transform."] as const,
  notPly: (what: string) => [`${what} is not a binary little-endian .ply file.`, "Export it as standard 3D Gaussian Splatting .ply."] as const,
  plyWithoutGaussians: (what: string, field: string) => [`${what} holds no 3D Gaussians: its vertices have no “${field}”.`, "Meshes and point clouds can not be shown. Export a standard or compressed 3D Gaussian Splatting .ply."] as const,
  tooMany: (what: string, limit: number) => [`${what} holds more Gaussians than the viewer can show (limit ${number.format(limit)}).`, "Publish the scene with fewer Gaussians."] as const,
};

/** What a field of a file from elsewhere has to be. */
export const wanted = {
  object: "it has to be an object",
  text: "it has to be a short text",
  url: "it has to be an http or https address",
  number: "it has to be a number of sensible size",
  angle: (most: number) => `it has to be a number from -${most} to ${most}`,
  positive: "it has to be a number above zero",
  pixels: (most: number) => `it has to be two numbers from 1 to ${number.format(most)}`,
  quaternion: "it has to be a quaternion of length 1",
  relative: "it has to be a file beside this one or in a folder there",
  vector: (n: number) => `it has to be a list of ${n} numbers of sensible size`,
  count: (limit: number) => `it has to be a whole number from 1 to ${number.format(limit)}`,
  heights: "it has to be a list of columns × rows numbers",
  list: (limit: number) => `it has to be a list of at most ${limit} objects`,
  cells: (limit: number) => `columns × rows may be at most ${number.format(limit)}`,
};

/** What an error is about, where no file has given its name. */
export const theManifest = "The manifest";
export const theSplat = "The splat file";
