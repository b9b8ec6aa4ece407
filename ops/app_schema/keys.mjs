// Prints the keys of the parts of librechat.yaml in which LibreChat refuses to start on a key that it doesn't know:
// node ops/app_schema/keys.mjs > values/contracts/librechat-config-1.3.13.json

import { Constants, configSchema } from 'librechat-data-provider';
import { APP_VERSION, CONFIG_VERSION, LATER, PACKAGE } from './release.mjs';

const keys = { '': configSchema, endpoints: configSchema.shape.endpoints };
for (const [part, schema] of Object.entries(keys)) {
  const names = Object.keys(object(schema).shape);
  keys[part] = names.filter((name) => !LATER.has(part ? `${part}.${name}` : name)).sort();
}
const madeFrom = `${PACKAGE}, configuration ${Constants.CONFIG_VERSION}`;
console.log(JSON.stringify({ appVersion: APP_VERSION, configVersion: CONFIG_VERSION, madeFrom, keys }, null, 2));

/** The object schema inside wrappers such as `optional()` and `refine()`. */
function object(schema) {
  return schema.shape ? schema : object(schema._def.innerType ?? schema._def.schema);
}
