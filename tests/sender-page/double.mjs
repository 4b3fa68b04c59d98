// A program that speaks the interface of docs/sender-page.md and records what the page sends.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const KINDS = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript',
  '.mjs': 'text/javascript', '.json': 'application/json' };
const CSP = "default-src 'none'; script-src 'self'; worker-src 'self'; img-src 'self' blob: data:;"
  + " font-src data: blob:; connect-src 'self'; style-src 'self'; object-src 'none';"
  + " frame-ancestors 'none'";

export async function double(root, token, PDFDocument) {
  const seen = { calls: [], refused: 0, tasks: [], templates: new Map(), documents: new Map() };
  const api = async (method, path, query, body) => {
    const json = () => JSON.parse(body.toString());
    const [kind, id, action] = path.split('/').map(decodeURIComponent);
    if (kind === 'session') {
      return [200, { domain: 'sender.example', service: 'sign.example', version: '1',
        sms: true, emulation: true, locales: ['en-US', 'zh-TW'],
        limits: { signers: 8, documentBytes: 1e7, message: 100 } }];
    }
    if (kind === 'documents' && method === 'POST') {
      let pdf;
      try { pdf = await PDFDocument.load(body); } catch {
        return [400, { error: 'This is not a PDF. Choose another file.' }];
      }
      const pages = pdf.getPages().map((page) => {
        const { width, height } = page.getSize();
        return page.getRotation().angle % 180 ? { width: height, height: width }
          : { width, height };
      });
      const document = `d${seen.documents.size + 1}`;
      seen.documents.set(document, body);
      return [200, { document, name: query.get('name'), pages }];
    }
    if (kind === 'tasks' && method === 'POST' && !action) {
      const task = json();
      seen.tasks.unshift({ task: `t${seen.tasks.length + 1}`, fileName: task.fileName,
        created: 1, expiry: 2, state: 'running', inOrder: task.inOrder, sent: task,
        signers: task.signers.map(({ name, email }) => ({ name, email, state: 'asked' })) });
      return [201, { task: seen.tasks[0].task }];
    }
    if (kind === 'tasks' && !id) return [200, { tasks: seen.tasks }];
    const task = seen.tasks.find((one) => one.task === id);
    if (task && method === 'GET' && !action) {
      return [200, { ...task, history: [{ at: 1, event: 'created' }] }];
    }
    if (task && action === 'files') return [200, Buffer.from('PK-signed'), 'application/zip'];
    if (task && action === 'void') {
      Object.assign(task, { state: 'void', voided: json().reason });
      return [202, {}];
    }
    if (task && action === 'decide') {
      Object.assign(task, { needsDecision: [], decided: json() });
      return [202, {}];
    }
    if (task && ['remind', 'again'].includes(action)) {
      task[action] = json().signer;
      return [202, {}];
    }
    if (kind === 'verify') {
      const pdf = Buffer.from(json().pdf, 'base64').toString();
      return [200, pdf === 'bad'
        ? { genuine: false, test: false, problems: ['The hash differs.'], warnings: [] }
        : { genuine: true, test: pdf === 'test', problems: [], warnings: [] }];
    }
    if (kind === 'templates' && !id) return [200, { templates: [...seen.templates.values()] }];
    if (kind === 'templates' && method === 'PUT') {
      seen.templates.set(id, { name: id, ...json() });
      return [204];
    }
    if (kind === 'templates' && method === 'DELETE') {
      seen.templates.delete(id);
      return [204];
    }
    if (kind === 'templates' && action === 'document') {
      return [200, seen.documents.get(seen.templates.get(id).document), 'application/pdf'];
    }
    return [404, { error: `There is no ${method} ${path}.` }];
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    const parts = [];
    for await (const part of request) parts.push(part);
    if (url.pathname.startsWith('/api/')) {
      seen.calls.push(`${request.method} ${url.pathname}`);
      let answer = [401, { error: 'The token is wrong.' }];
      if (request.headers['x-letsesign-token'] === token) {
        answer = await api(request.method, url.pathname.slice(5), url.searchParams,
          Buffer.concat(parts));
      } else seen.refused += 1;
      const [status, body, type] = answer;
      response.writeHead(status, { 'Content-Type': type ?? 'application/json' });
      response.end(body === undefined || type ? body : JSON.stringify(body));
      return;
    }
    const file = normalize(url.pathname === '/' ? '/index.html' : url.pathname);
    try {
      const bytes = await readFile(join(root, file));
      response.writeHead(200, { 'Content-Type': KINDS[extname(file)] ?? 'text/plain',
        'Content-Security-Policy': CSP });
      response.end(bytes);
    } catch { response.writeHead(404).end(); }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { seen, server, port: server.address().port };
}
