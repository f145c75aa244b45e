/** Every word that the viewer says, in one place, ready for translation. */
import type { ModeName } from "./modes/mode";

const number = new Intl.NumberFormat("en-GB");
const decimal = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

const figure = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const plain = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
/** Where north is on a map that is turned. */
const north = (heading: number): string => {
  const degrees = Math.round((((-heading * 180) / Math.PI) % 360) + 360) % 360;
  return degrees === 0 ? "North is up." : `North is ${degrees}° clockwise from up.`;
};
/** A slope as surveyors say it; one that is nearly upright has no useful figure. */
const percent = (radians: number): string => (Math.abs(radians) < 1.4 ? `${decimal.format(100 * Math.tan(radians))} %` : "upright");

export const megabytes = (bytes: number): string => decimal.format(bytes / 1e6);

export const texts = {
  untitled: "Gaussian splat",
  documentTitle: (title: string) => `${title} · Splatbot viewer`,
  canvas: "The 3D scene. Drag to look around; press question mark for all keys.",
  toolbar: "Ways to move",
  information: "About this scene",
  posterAlt: "Preview picture of the scene",

  modes: {
    orbit: { name: "Orbit", title: "Orbit around the scene (1)" },
    fly: { name: "Fly", title: "Fly freely (2)" },
    walk: { name: "Walk", title: "Walk on the ground (3)" },
    topdown: { name: "Map", title: "Look from above (4)" },
  } satisfies Record<ModeName, { name: string; title: string }>,
  hints: {
    orbit: "Drag to turn · wheel to zoom · right drag to shift",
    fly: "W A S D to move · Q E up and down · drag to look",
    walk: "W A S D to walk · drag to look · Shift to run",
    topdown: "Drag to shift · wheel to zoom · arrows to turn",
  } satisfies Record<ModeName, string>,
  touchHints: {
    orbit: "Drag to turn · pinch to zoom · two fingers to shift",
    fly: "Left pad to move · drag to look · pinch to go on",
    walk: "Left pad to walk · drag to look",
    topdown: "Drag to shift · pinch to zoom",
  } satisfies Record<ModeName, string>,
  home: { name: "Home", title: "Back to the start (H)" },
  share: { name: "Share", title: "Link, code for a web page, picture (L)" },
  sharing: {
    name: "Share what you see",
    hint: "Each of these shows the scene as it is on the screen now.",
    link: "Copy link",
    embed: "Copy code for a web page",
    picture: "Save picture",
    embedCopied: "Copied: paste the code into a web page.",
    notCopied: "This browser does not let the page copy. Copy its address instead.",
    pictureSaved: "Saved: the picture as you see it.",
    onlyHere: "This file is on your computer alone: nobody else could open it. A picture can be saved.",
  },
  linkCopied: "Copied: the link opens the scene as you see it now.",
  linkInAddress: "The address of this page opens the scene as you see it now.",
  measure: {
    name: "Measure",
    title: "Measure distance, height, slope and area (M)",
    hint: "Click places in the scene, or press Enter to take the one in the middle.",
    nothing: "Nothing is there to measure. Click on the scene itself.",
    said: (distance: string) => `Distance: ${distance}`,
    metre: "m",
    unit: "units",
    length: (value: number, unit: string) => `${figure.format(value)} ${unit}`,
    squareMetres: (value: number) => `${figure.format(value)} m²`,
    squareUnits: (value: number) => `${figure.format(value)} square units`,
    degrees: (radians: number) => `${decimal.format((radians * 180) / Math.PI)}° (${percent(radians)})`,
    distance: "Distance",
    level: "On the map",
    height: "Height",
    slope: "Slope",
    area: "Area",
    levelArea: "Area on the map",
    undo: "Undo",
    clear: "Clear",
    copy: "Copy",
    csv: "CSV",
    copied: "Copied: the figures.",
    notCopied: "This browser does not let the page copy. Save the CSV instead.",
  },
  mapScale: {
    length: (value: number, unit: string) => `${plain.format(value)} ${unit}`,
    label: (length: string, heading: number | null) => `Scale bar: ${length}.${heading === null ? "" : ` ${north(heading)}`}`,
  },
  place: {
    name: "Last place",
    utm: "UTM",
    altitude: "Altitude (GPS)",
    degrees: (latitude: number, longitude: number) => `${latitude.toFixed(7)}°, ${longitude.toFixed(7)}°`,
    grid: (zone: number, isNorth: boolean, easting: number, northing: number) => `${zone}${isNorth ? "N" : "S"} ${easting.toFixed(2)} ${northing.toFixed(2)}`,
  },
  openFull: "Open the viewer",
  help: { name: "Help", title: "Keys and gestures (?)" },
  pad: "Move: drag this pad",

  helpTitle: "Keys and gestures",
  helpRows: [
    ["1 2 3 4", "Orbit, fly, walk, map"],
    ["W A S D", "Move on the plane"],
    ["Q E", "Up, down"],
    ["← → ↑ ↓", "Turn and tilt"],
    ["Shift", "Faster"],
    ["Drag", "Turn, look, or shift the map"],
    ["Right drag", "Shift sideways"],
    ["Double click", "Go there"],
    ["Wheel, pinch", "Nearer, further"],
    ["Gamepad", "Sticks: move, look; triggers: down, up"],
    ["H", "Back to the start"],
    ["M", "Measure; Enter takes the middle"],
    ["L", "Share: link, code for a web page, picture"],
    ["C", "Copy a link to what you see"],
    ["?", "This list"],
  ] as const,
  close: "Close",

  loading: "Loading",
  loadingManifest: "Reading the manifest",
  progress: (done: number, total: number | null) =>
    total === null ? `${megabytes(done)} MB` : `${megabytes(done)} of ${megabytes(total)} MB`,
  preparing: "Preparing the picture",

  figures: {
    summary: (gaussians: number) => `${number.format(gaussians)} Gaussians`,
    gaussians: "Gaussians",
    photos: "Photos",
    psnr: "Held-out PSNR",
    ssim: "Held-out SSIM",
    size: "Size",
    scale: "Scale",
    metric: "metres",
    units: "arbitrary units",
    pipeline: "Pipeline",
    created: "Made",
    downloads: "Download",
    count: (n: number) => number.format(n),
    photosOf: (used: number, all: number) => `${number.format(used)} of ${number.format(all)} used`,
    decibels: (db: number) => `${decimal.format(db)} dB`,
    ratio: (x: number) => x.toFixed(3),
    download: (extension: string, bytes: number | null) => (bytes === null ? extension : `${extension} ${megabytes(bytes)} MB`),
    file: "file",
    sizeMb: (mb: number) => `${decimal.format(mb)} MB`,
    date: (iso: Date) => iso.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" }),
  },

  welcome: "Open a splat",
  welcomeHint: "Drop a .sog, .spz, .splat or .ply file anywhere on this page, or choose one. It stays on this computer.",
  chooseFile: "Choose a file",
  dropHere: "Drop to open",

  errors: {
    unexpected: ["Something went wrong in the viewer.", "Reload the page. If it happens again, tell the people who sent the link."] as const,
    noWebgl: ["This browser can not draw 3D: WebGL 2 is off or missing.", "Turn on hardware acceleration in the browser's settings, update the browser, or open the link on another device."] as const,
    contextLost: ["The graphics driver stopped drawing.", "Reload the page. If it happens again, close other tabs with 3D in them."] as const,
    manifestAddress: (given: string) => [`The link's manifest address is not a web address: “${given}”.`, "It has to start with http:// or https://. Copy the whole link again."] as const,
    notFound: (what: string) => [`${what} is not there (404).`, "The link may be old or the result deleted. Ask for a fresh link with /splat list."] as const,
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
    otherSpz: (what: string) => [`${what} is an .spz of another version than 2 and 3.`, "Export it as .spz version 3, .sog or .ply; splat-transform converts it."] as const,
    notASplat: (what: string) => [`${what} is a web page or a text, not a splat.`, "Check the file's address in the manifest."] as const,
    unknownFile: (name: string) => [`“${name}” is no .sog, .spz, .splat or .ply file.`, "Drop one of these, with 3D Gaussians in it. Other formats can be converted with splat-transform."] as const,
    notPly: (what: string) => [`${what} is not a binary little-endian .ply file.`, "Export it as standard 3D Gaussian Splatting .ply."] as const,
    plyWithoutGaussians: (what: string, field: string) => [`${what} holds no 3D Gaussians: its vertices have no “${field}”.`, "Meshes, point clouds and compressed .ply can not be shown. Export a standard 3D Gaussian Splatting .ply."] as const,
    tooMany: (what: string, limit: number) => [`${what} holds more Gaussians than the viewer can show (limit ${number.format(limit)}).`, "Publish the scene with fewer Gaussians."] as const,
  },

  wanted: {
    object: "it has to be an object",
    text: "it has to be a short text",
    url: "it has to be an http or https address",
    number: "it has to be a number of sensible size",
    angle: (most: number) => `it has to be a number from -${most} to ${most}`,
    positive: "it has to be a number above zero",
    vector: (n: number) => `it has to be a list of ${n} numbers of sensible size`,
    count: (limit: number) => `it has to be a whole number from 1 to ${number.format(limit)}`,
    heights: "it has to be a list of columns × rows numbers",
    list: (limit: number) => `it has to be a list of at most ${limit} objects`,
    cells: (limit: number) => `columns × rows may be at most ${number.format(limit)}`,
  },

  theManifest: "The manifest",
  theSplat: "The splat file",
};
