import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { defineConfig, type Plugin } from "vite";

// One entry a kind of page. Django's `vite` tag finds the hashed names in dist/.vite/manifest.json.
const entries = ["theme", "base", "home", "lesson", "exercise", "run", "search", "plan", "account", "styleguide"] as const;

const SMALLEST = 1_000; // bytes: below, the headers weigh more than what is saved

/** Writes `<file>.br` and `<file>.gz` beside what compresses: WhiteNoise serves these, and packs nothing itself. */
function compressed(): Plugin {
  return {
    name: "compressed",
    writeBundle({ dir = "" }) {
      for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const text = readFileSync(join(dir, name));
        if (text.length < SMALLEST) continue;
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(text));
        writeFileSync(join(dir, `${name}.gz`), gzipSync(text, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [compressed()],
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
