import { defineConfig, type Plugin } from "vite";

/** The page and the engine are imported only when they are needed, but they always are: the browser may fetch them from the start. */
const allEarly: Plugin = {
  name: "all-early",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((file) => /(main|stage)-.*\.js$/.test(file))
        .map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` }, injectTo: "head" as const })),
  },
};

export default defineConfig({
  base: "./", // the build works from any folder and any CDN
  plugins: [allEarly],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500, // the engine is one chunk, loaded beside the data
  },
});
