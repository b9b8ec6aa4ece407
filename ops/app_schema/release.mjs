// Which LibreChat is deployed, and what the pinned package knows beyond it.
//
// LibreChat v0.8.7 was released with librechat-data-provider 0.8.509 (its release pull request, #13907, 2026-06-23). The
// build machines can't get that version (npm lists 0.8.502, then 0.8.521; 2026-11), so package.json pins the next one:
// 0.8.521, of v0.8.8-rc1. From 0.8.502 to 0.8.521 the schema lost no key and no value; what came after v0.8.7 is in
// LATER, as far as LibreChat says it. Where 0.8.509 can be had: pin it and empty LATER, as a test demands.

import { readFileSync } from 'node:fs';

const { name, version } = JSON.parse(
  readFileSync(new URL('node_modules/librechat-data-provider/package.json', import.meta.url)),
);
export const PACKAGE = `${name} ${version}`;
export const APP_VERSION = 'v0.8.7';
export const CONFIG_VERSION = '1.3.13';

/** Keys of librechat.yaml, and values after ` = `, that came after APP_VERSION; `[]` stands for every item of a list. */
export const LATER = new Set([
  // Changelog of configuration version 1.3.14, 2026-07-22.
  'langfuse',
  'summarization.retainRecent',
  'endpoints.agents.toolApproval',
  'endpoints.agents.checkpointer',
  'endpoints.agents.capabilities[] = memory',
  'endpoints.agents.capabilities[] = ask_user_question',
  'endpoints.agents.capabilities[] = stateful_code_sessions',
  'endpoints.agents.capabilities[] = run_in_background',
  'modelSpecs.list[].showInMenu',
  'modelSpecs.list[].memory',
  'modelSpecs.list[].askUserQuestion',
  'modelSpecs.list[].runInBackground',
  'modelSpecs.list[].preset.reasoning_mode',
  'modelSpecs.list[].preset.reasoning_context',
  'modelSpecs.list[].preset.reasoning_effort = max',
  // In no changelog up to that one, and not in the schema of configuration version 1.3.13.
  'endpoints.agents.capabilities[] = tool_intents',
  'speech.speechTab.speechToText.engineSTT = browser',
  'speech.speechTab.speechToText.engineSTT = external',
  'speech.speechTab.textToSpeech.engineTTS = browser',
  'speech.speechTab.textToSpeech.engineTTS = external',
  // Pull request #13921, 2026-06-23, opened after the release's.
  'endpoints.custom[].customParams.includeReasoningContent',
  'endpoints.custom[].customParams.includeReasoningHistory',
]);
