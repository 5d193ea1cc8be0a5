import { defineConfig } from "vite";

// One entry a kind of page. Django's `vite` tag finds the hashed names in dist/.vite/manifest.json.
const entries = ["theme", "base", "home", "lesson", "exercise", "run", "search", "plan", "account"] as const;

export default defineConfig({
  base: "/static/",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the site's policy loads fonts from files only
    chunkSizeWarningLimit: 800, // Mermaid's core; loaded only by pages that have a diagram
    rollupOptions: { input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])) },
  },
});
