import type { Answer } from '../domain/answer.js';
import { answerPieces, isChunk } from '../domain/answer-pieces.js';
import type { Directive, Failure } from '../domain/directive.js';
import { RequestFault } from '../domain/request-fault.js';
import { escapeJsonText, isPause, type AnswerDialect } from './answer-dialect.js';
import type { Attempt } from './attempt.js';
import type { Exchange } from './exchange.js';

export interface Performance {
  readonly exchange: Exchange;
  readonly attempt: Attempt;
  readonly answer: Answer;
  readonly directive: Directive;
  readonly dialect: AnswerDialect;
}

/** A whole answer up to this size goes out in one piece with its length. */
const wholeBytesMax = 1024 * 1024;

/** The failure that strikes once `chunks` have been sent, if any. */
function dueFailure(fail: Failure | undefined, chunks: number): Exclude<Failure, { kind: 'status' }> | undefined {
  return fail !== undefined && fail.kind !== 'status' && fail.afterChunks !== undefined && chunks >= fail.afterChunks
    ? fail
    : undefined;
}

export async function playStream(performance: Performance): Promise<void> {
  const { exchange, attempt, answer, directive, dialect } = performance;
  exchange.head(200, dialect.streamHeaders);
  await exchange.wait(directive.ttftMs);
  let chunks = 0;
  let due = dueFailure(directive.fail, chunks);
  if (due !== undefined) return strike(due, performance);
  await exchange.send(dialect.begin());
  for (const piece of answerPieces(answer)) {
    const frame = dialect.piece(piece);
    const counts = isChunk(piece) && frame.length > 0;
    if (counts) {
      due = dueFailure(directive.fail, chunks);
      if (due !== undefined) return strike(due, performance);
      if (chunks > 0) await exchange.wait(directive.delayMs);
      chunks += 1;
    }
    await exchange.send(frame);
    attempt.count(piece);
  }
  if (directive.fail !== undefined && directive.fail.kind !== 'status') return strike(directive.fail, performance);
  for (const step of dialect.finish()) {
    await (isPause(step) ? exchange.wait(step.waitMs) : exchange.send(step));
  }
  attempt.close(true);
  exchange.end();
}

/** Ends a response that has its head, the way the directive says. */
async function strike(fail: Exclude<Failure, { kind: 'status' }>, performance: Performance): Promise<void> {
  const { exchange, attempt, dialect } = performance;
  switch (fail.kind) {
    case 'stall':
      return exchange.stayQuiet();
    case 'malformed':
      await exchange.send(dialect.malformed());
      break;
    case 'error':
      await exchange.send(dialect.streamError(new RequestFault(529, 'Overloaded')));
      break;
    case 'reset':
      attempt.close(false);
      return exchange.reset();
  }
  attempt.close(false);
  exchange.end();
}

export async function playWhole(performance: Performance): Promise<void> {
  const { exchange, attempt, answer, directive, dialect } = performance;
  const chunks = directive.chunks ?? 1;
  await exchange.wait(directive.ttftMs + directive.delayMs * Math.max(0, chunks - 1));
  const { headers, before, after } = dialect.whole();
  const isPlain = directive.fail === undefined && (answer.text?.bytes ?? 0) <= wholeBytesMax;
  if (!isPlain) return playWholeInPieces(performance);
  let body = before;
  for (const piece of answerPieces(answer)) {
    if (piece.kind === 'text') body += escapeJsonText(piece.text);
    attempt.count(piece);
  }
  const bytes = Buffer.from(body + after);
  attempt.close(true, bytes.byteLength);
  exchange.respond(200, headers, bytes);
}

async function playWholeInPieces(performance: Performance): Promise<void> {
  const { exchange, attempt, answer, directive, dialect } = performance;
  const { headers, before, after } = dialect.whole();
  const fail = directive.fail;
  exchange.head(200, headers);
  let chunks = 0;
  if (dueFailure(fail, chunks) !== undefined) return strikeWhole(performance);
  await exchange.send(before);
  for (const piece of answerPieces(answer)) {
    if (piece.kind === 'text') {
      if (dueFailure(fail, chunks) !== undefined) return strikeWhole(performance);
      await exchange.send(escapeJsonText(piece.text));
      chunks += 1;
    }
    attempt.count(piece);
  }
  if (fail !== undefined) return strikeWhole(performance);
  attempt.close(true, Buffer.byteLength(after));
  await exchange.send(after);
  exchange.end();
}

async function strikeWhole(performance: Performance): Promise<void> {
  const { exchange, attempt, directive } = performance;
  const fail = directive.fail;
  if (fail?.kind === 'stall') return exchange.stayQuiet();
  attempt.close(false);
  if (fail?.kind === 'reset') return exchange.reset();
  // A body whose JSON is broken, on a response that ends well.
  await exchange.send('{"weir-simulator": malformed');
  exchange.end();
}
