// Checks librechat.yaml texts against LibreChat's own schema, as the server does when it starts.
//
// stdin: {name: text, …}; stdout: {package, configVersion, findings: [{name, path: [key or index, …], message}, …]}.

import { readFileSync } from 'node:fs';
import yaml from 'js-yaml';
import { configSchema } from 'librechat-data-provider';
import { APP_VERSION, CONFIG_VERSION, LATER, PACKAGE } from './release.mjs';

/** What is wrong with one text. */
function check(text) {
  let config;
  try {
    config = yaml.load(text);
  } catch (error) {
    return [{ path: [], message: `is no YAML: ${error.reason} in line ${error.mark.line + 1}` }];
  }
  const { error } = configSchema.strict().safeParse(config);
  const refused = (error?.issues ?? []).flatMap(explain);
  // Parsed without `strict`, the schema hands back only keys that it knows: what is gone has no meaning to LibreChat.
  const { data: known } = configSchema.safeParse(config);
  return [...refused, ...(known ? unknown(config, known) : []), ...later(config)];
}

function explain(issue) {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'is not a key that LibreChat knows' }));
  }
  if (issue.code === 'invalid_union') {
    const reasons = issue.unionErrors.flatMap((error) => error.issues).map((inner) => inner.message);
    return [{ path: issue.path, message: [...new Set(reasons)].join(', or: ') }];
  }
  return [{ path: issue.path, message: issue.message }];
}

/** Keys below the root that the schema dropped; those of the root are refused by `strict`. */
function unknown(config, known, path = []) {
  return entries(config).flatMap(([key, value]) => {
    const here = [...path, key];
    if (known?.[key] !== undefined || value === undefined) return unknown(value, known[key], here);
    return path.length ? [{ path: here, message: 'is not a key that LibreChat knows: it does nothing' }] : [];
  });
}

/** Keys and values that the installed package knows and the deployed LibreChat doesn't. */
function later(config, path = [], pattern = '') {
  return entries(config).flatMap(([key, value]) => {
    const here = [...path, key];
    const name = typeof key === 'number' ? `${pattern}[]` : pattern ? `${pattern}.${key}` : key;
    if (!LATER.has(name) && !LATER.has(`${name} = ${value}`)) return later(value, here, name);
    const what = LATER.has(name) ? 'is' : `"${value}" is`;
    return [{ path: here, message: `${what} newer than LibreChat ${APP_VERSION} (configuration ${CONFIG_VERSION})` }];
  });
}

function entries(value) {
  if (Array.isArray(value)) return [...value.entries()];
  return value !== null && typeof value === 'object' ? Object.entries(value) : [];
}

const texts = JSON.parse(readFileSync(0, 'utf8'));
const findings = Object.entries(texts).flatMap(([name, text]) => check(text).map((finding) => ({ name, ...finding })));
console.log(JSON.stringify({ package: PACKAGE, configVersion: CONFIG_VERSION, findings }));
