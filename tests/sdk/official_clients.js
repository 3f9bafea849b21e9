// Calls one action with an official Node.js client: reads the call as JSON from standard input,
// prints {"answer": …} or {"error": …} as JSON.
'use strict';

const path = require('path');

const modules = process.argv[2];
const load = (name) => require(path.join(modules, 'node_modules', name));

function shiftClock(seconds) {
  if (!seconds) return;
  const RealDate = Date;
  global.Date = class extends RealDate {
    constructor(...given) {
      super(...(given.length ? given : [RealDate.now() + seconds * 1000]));
    }
    static now() {
      return RealDate.now() + seconds * 1000;
    }
  };
}

async function callPop(call) {
  const { RPCClient } = load('@alicloud/pop-core');
  const client = new RPCClient({
    endpoint: `http://${call.address}`,
    apiVersion: call.version,
    accessKeyId: call.accessKeyId,
    accessKeySecret: call.accessKeySecret,
    securityToken: call.securityToken || undefined,
  });
  const method = call.client === 'pop-core POST' ? 'POST' : 'GET';
  return client.request(call.action, call.parameters, { method });
}

function config(call) {
  return {
    endpoint: call.address,
    protocol: 'http',
    accessKeyId: call.accessKeyId,
    accessKeySecret: call.accessKeySecret,
    securityToken: call.securityToken || undefined,
  };
}

function params(call) {
  return {
    action: call.action,
    version: call.version,
    protocol: 'HTTP',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'json',
  };
}

async function callOpenapiCore(call) {
  const { default: Client, $OpenApiUtil } = load('@alicloud/openapi-core');
  const { RuntimeOptions } = load('@darabonba/typescript');
  const client = new Client(new $OpenApiUtil.Config(config(call)));
  const where = call.client === 'openapi-core form' ? 'body' : 'query';
  const request = new $OpenApiUtil.OpenApiRequest({ [where]: call.parameters });
  const answer = await client.callApi(
    new $OpenApiUtil.Params(params(call)), request, new RuntimeOptions({}));
  return answer.body;
}

async function callOpenapiClient(call) {
  const { default: Client, Config, OpenApiRequest, Params } = load('@alicloud/openapi-client');
  const { RuntimeOptions } = load('@alicloud/tea-util');
  const client = new Client(new Config(config(call)));
  const request = new OpenApiRequest({ query: call.parameters });
  const answer = await client.callApi(new Params(params(call)), request, new RuntimeOptions({}));
  return answer.body;
}

const clients = {
  'pop-core GET': callPop,
  'pop-core POST': callPop,
  'openapi-core': callOpenapiCore,
  'openapi-core form': callOpenapiCore,
  'openapi-client': callOpenapiClient,
};

function describe(error) {
  const data = error.data || {};
  const response = (error.entry || {}).response || {};
  return {
    code: error.code || null,
    status: error.statusCode || data.statusCode || response.statusCode || null,
    message: data.Message || error.message,
    requestId: data.RequestId || error.requestId || null,
    accessDeniedDetail: error.accessDeniedDetail || data.AccessDeniedDetail || null,
    stack: error.code ? null : error.stack,
  };
}

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const call = JSON.parse(Buffer.concat(chunks).toString());
  shiftClock(call.clockShiftSeconds);
  let result;
  try {
    result = { answer: await clients[call.client](call) };
  } catch (error) {
    result = { error: describe(error) };
  }
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

main();
