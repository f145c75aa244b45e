import { defineConfig } from "vite";

export default defineConfig({
  base: "./", // the build works from any folder and any CDN
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500, // the engine is one chunk, loaded beside the data
  },
});
