import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

export default defineConfig({
  root: "dashboards",
  base: "./",
  plugins: [preact()],
  build: { outDir: "dist", emptyOutDir: true },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
