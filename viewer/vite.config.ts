import { defineConfig, type Plugin } from "vite";

/**
 * What a link names is asked for by a script of its own, which runs as soon as it is there, before the page's. The engine is
 * imported only when it is needed, but it always is: the browser may fetch it from the start.
 */
const allEarly: Plugin = {
  name: "all-early",
  transformIndexHtml: {
    order: "post",
    handler: (html, { bundle }) => {
      const files = (name: string): string[] => Object.keys(bundle ?? {}).filter((file) => file.includes(`/${name}-`) && file.endsWith(".js"));
      const early = files("early").map((file) => `<script type="module" crossorigin src="./${file}"></script>\n    `).join("");
      const engine = files("stage").map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` }, injectTo: "head" as const }));
      return { html: html.replace('<script type="module"', `${early}$&`), tags: engine };
    },
  },
};

export default defineConfig({
  base: "./", // the build works from any folder and any CDN
  plugins: [allEarly],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", early: "src/early.ts" },
      // One file for all that the first script needs, whatever else is loaded later and shares a part of it.
      output: { codeSplitting: { groups: [{ name: "early", test: /src.early\.ts$/ }] } },
    },
    chunkSizeWarningLimit: 1500, // the engine is one chunk, loaded beside the data
  },
});
