// better-auth's API key plugin behind Node's own HTTP server, at its fastest: keys in memory, without its rate limit.
// With BENCH_STORAGE=database they are in SQLite, as they are unless one says otherwise.
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import Database from "better-sqlite3";

const folder = process.env.BENCH_FOLDER;
const memory = new Map();
const inMemory = process.env.BENCH_STORAGE !== "database";
const database = new Database(join(folder, "better-auth.sqlite"));
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");

const options = {
  baseURL: "http://127.0.0.1",
  secret: process.env.BENCH_SECRET,
  database,
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  logger: { level: "error" },
  secondaryStorage: inMemory
    ? {
        get: (key) => memory.get(key) ?? null,
        set: (key, value) => void memory.set(key, value),
        delete: (key) => void memory.delete(key),
      }
    : undefined,
  plugins: [
    apiKey({
      rateLimit: { enabled: false },
      storage: inMemory ? "secondary-storage" : "database",
    }),
  ],
};
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();

const { user } = await auth.api.signUpEmail({
  body: { name: "Bench", email: "bench@example.com", password: process.env.BENCH_SECRET },
});
const tokens = [];
for (let number = 0; number < Number(process.env.BENCH_KEYS); number++) {
  const made = await auth.api.createApiKey({
    body: { name: `key ${number}`, userId: user.id, permissions: { article: ["read"] }, rateLimitEnabled: false },
  });
  tokens.push(made.key);
}
writeFileSync(join(folder, "tokens.json"), JSON.stringify(tokens));

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

createServer(async (request, response) => {
  if (request.url === "/ready") return answer(response, 200, { ready: true });
  const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const { valid, key: found } = await auth.api.verifyApiKey({ body: { key, permissions: { article: ["read"] } } });
  if (!valid) return answer(response, 401, { valid: false });
  answer(response, 200, { valid: true, id: found.id, name: found.name, permissions: found.permissions });
}).listen(Number(process.env.BENCH_PORT), "127.0.0.1");
