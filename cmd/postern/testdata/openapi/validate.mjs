// Checks OpenAPI documents: against the schema of their version, references, and what the specification says beside.
import { readFileSync } from "node:fs";
import SwaggerParser from "@apidevtools/swagger-parser";

for (const file of process.argv.slice(2)) {
  try {
    await SwaggerParser.validate(JSON.parse(readFileSync(file, "utf8")));
  } catch (problem) {
    console.error(`${file}: ${String(problem.message).slice(0, 2000)}`);
    process.exitCode = 1;
  }
}
