// Builds the user interface into dist/ui: flat, under names that change with their
// content, each beside its compressed forms, which the server sends as they are.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const out = "dist/ui";

function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(out)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const data = readFileSync(join(out, name));
        writeFileSync(join(out, `${name}.br`), brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        writeFileSync(join(out, `${name}.gz`), gzipSync(data, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: "/assets/ui/",
  plugins: [react(), compressed()],
  build: {
    outDir: out,
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0,
    manifest: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    rollupOptions: {
      // The scripts of signing in come in one piece, too; without this build they work as they are.
      input: { main: "src/main.tsx", signin: "../internal/pages/static/app.js" },
      preserveEntrySignatures: "exports-only",
      output: { entryFileNames: "[name]-[hash].js", chunkFileNames: "[name]-[hash].js", assetFileNames: "[name]-[hash][extname]",
        // What every page needs comes in one piece.
        codeSplitting: { groups: [{ name: "shell", test: /node_modules\/(react|react-dom|scheduler|@tanstack|i18next|use-sync-external-store|@tabler)\/|src\/(parts\/(?!rendered)|text\/(?!de)|[a-z]+\.tsx?$)/ }] },
      },
    },
  },
});
