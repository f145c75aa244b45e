import { type GraphicsDevice, GSplatResourceBase, Mesh, SHADERLANGUAGE_GLSL, ShaderChunks } from "playcanvas";

/** The Gaussian that a stroke begins with, in the order of drawing. */
export const FIRST = "uFirst";
/** Gaussians that the engine draws with one instance of a mesh. */
export const TOGETHER = GSplatResourceBase.instanceSize;
const ROOT3 = Math.sqrt(3);

/** Lets the engine's shaders draw a part of what is sorted. Has to come before it builds them. */
export function drawParts(device: GraphicsDevice): void {
  const chunks = ShaderChunks.get(device, SHADERLANGUAGE_GLSL);
  const source = chunks.get("gsplatSourceVS");
  const parts = source.replace("uniform uint numSplats;", `uniform uint numSplats; uniform uint ${FIRST};`).replace("source.order = ", `source.order = ${FIRST} + `);
  if (parts.split(FIRST).length !== 3) throw new Error("The engine's gsplatSourceVS has changed.");
  chunks.set("gsplatSourceVS", parts);
}

/**
 * A triangle around the circle that a Gaussian is cut off at, for the engine's square: nothing else is seen, but there
 * is half as much to set up, which is what takes a software renderer's time.
 */
export function triangles(device: GraphicsDevice): Mesh {
  const corners = new Float32Array(9 * TOGETHER);
  for (let i = 0; i < TOGETHER; i++) corners.set([-ROOT3, -1, i, ROOT3, -1, i, 0, 2, i], 9 * i);
  const mesh = new Mesh(device);
  mesh.setPositions(corners, 3);
  mesh.setIndices(Uint32Array.from({ length: 3 * TOGETHER }, (_, i) => i));
  mesh.update();
  return mesh;
}
