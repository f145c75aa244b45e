import { defineConfig, type Plugin } from "vite";

/** The engine is imported only when it is needed, but it always is: the browser may fetch it from the start. */
const engineEarly: Plugin = {
  name: "engine-early",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((file) => /stage-.*\.js$/.test(file))
        .map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` }, injectTo: "head" as const })),
  },
};

export default defineConfig({
  base: "./", // the build works from any folder and any CDN
  plugins: [engineEarly],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500, // the engine is one chunk, loaded beside the data
  },
});
