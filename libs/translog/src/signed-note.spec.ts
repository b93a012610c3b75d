import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  NoteError,
  generateSignerKey,
  isKeyName,
  parseSignerKey,
  parseVerifierKey,
  type NoteFault,
} from './note-keys.js';
import { openNote, parseNote, signNote } from './signed-note.js';

// Vectors of golang.org/x/mod/sumdb/note (note_test.go), which C2SP signed-note describes.
const PETER_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETER_SECRET = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const ENOCH_KEY = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_SIGNATURE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const ENOCH_SIGNATURE =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';

const peter = parseVerifierKey(PETER_KEY);
const enoch = parseVerifierKey(ENOCH_KEY);

function faultOf(action: () => unknown): NoteFault | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof NoteError) return error.code;
    throw error;
  }
}

const manglings = (text: string): string[] => {
  const cut = Array.from({ length: text.length }, (_, i) =>
    Array.from({ length: text.length - i }, (__, j) => text.slice(i, i + j + 1)),
  ).flat();
  const changed = Array.from(
    text,
    (character, i) => text.slice(0, i) + String.fromCharCode(character.charCodeAt(0) + 1) + text.slice(i + 1),
  );
  return [...cut.filter((part) => part !== text), ...changed];
};

describe('keys', () => {
  it('are read as Go writes them, and no mangling of them is', () => {
    expect(peter).toMatchObject({ name: 'PeterNeumann', keyId: 0xc74f20a3, verifierKey: PETER_KEY });
    expect(parseSignerKey(PETER_SECRET).verifierKey).toBe(PETER_KEY);
    for (const key of manglings(PETER_KEY)) expect(faultOf(() => parseVerifierKey(key))).toBeDefined();
    for (const key of manglings(PETER_SECRET)) expect(faultOf(() => parseSignerKey(key))).toBeDefined();
  });

  it('are refused for a wrong length and an unknown algorithm, whatever their id', () => {
    const long = 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==';
    const other = 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(faultOf(() => parseVerifierKey(long))).toBe('malformed_key');
    expect(faultOf(() => parseVerifierKey(other))).toBe('unknown_algorithm');
    expect(faultOf(() => parseVerifierKey(PETER_KEY.replace('c74f20a3', 'c74f20a4')))).toBe('wrong_key_id');
  });

  it('are made at random, and sign what they themselves check', () => {
    const signer = parseSignerKey(generateSignerKey('EnochRoot'));
    expect(generateSignerKey('EnochRoot')).not.toBe(generateSignerKey('EnochRoot'));
    const signature = Uint8Array.from(signer.sign('hi'));
    expect(parseVerifierKey(signer.verifierKey).verify('hi', signature)).toBe(true);
    expect(signer.verify('hj', signature)).toBe(false);
    signature[0] = (signature[0] ?? 0) ^ 1;
    expect(signer.verify('hi', signature)).toBe(false);
    expect(faultOf(() => generateSignerKey('a b'))).toBe('malformed_key');
    expect(['', 'a+b', 'a\u00a0b', 'a\u2003b', 'a\nb'].map(isKeyName)).toEqual([false, false, false, false, false]);
  });
});

describe('signed notes', () => {
  it("are signed to the byte as Go's are", () => {
    expect(signNote(TEXT, [parseSignerKey(PETER_SECRET)])).toBe(`${TEXT}\n${PETER_SIGNATURE}`);
  });

  it("open the specification's example", () => {
    const note = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
    const key = parseVerifierKey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k');
    expect(openNote(note, [key])).toEqual({
      text: 'This is an example message.\n',
      signedBy: [key],
      unknown: [],
    });
  });

  it('tell who has signed, and pass over keys that are not known', () => {
    const note = `${TEXT}\n${PETER_SIGNATURE}${ENOCH_SIGNATURE}`;
    expect(openNote(note, [peter])).toMatchObject({ text: TEXT, signedBy: [peter], unknown: [{ name: 'EnochRoot' }] });
    expect(openNote(Buffer.from(note), [peter, enoch])).toMatchObject({ signedBy: [peter, enoch], unknown: [] });
    expect(openNote(`${TEXT}\n${PETER_SIGNATURE.repeat(2)}`, [peter]).signedBy).toEqual([peter]);
    expect(parseNote(note).signatures.map(({ name }) => name)).toEqual(['PeterNeumann', 'EnochRoot']);
  });

  it('are refused where no known key has signed, one does not hold, or two keys are alike', () => {
    const broken = `${PETER_SIGNATURE.slice(0, 58)}ABCD${PETER_SIGNATURE.slice(58)}`;
    expect(faultOf(() => openNote(`${TEXT}\n${PETER_SIGNATURE}`, []))).toBe('no_known_signature');
    expect(faultOf(() => openNote(`${TEXT}\n${broken}`, [peter]))).toBe('invalid_signature');
    expect(faultOf(() => openNote(`${TEXT}\n${ENOCH_SIGNATURE}${broken}`, [peter, enoch]))).toBe('invalid_signature');
    expect(faultOf(() => openNote(`${TEXT.replace('if', 'iff')}x\n\n${PETER_SIGNATURE}`, [peter]))).toBe(
      'invalid_signature',
    );
    expect(faultOf(() => openNote(`${TEXT}\n${ENOCH_SIGNATURE}`, [enoch, peter, enoch]))).toBe('ambiguous_key');
    expect(faultOf(() => openNote(`${TEXT}\n${PETER_SIGNATURE}`, [enoch, peter, enoch]))).toBeUndefined();
  });

  it('are malformed in all the ways that Go lists, and a few more', () => {
    const bad = [
      TEXT,
      `${TEXT}\n`,
      `${TEXT}\n${PETER_SIGNATURE.slice(0, -1)}`,
      `\u0001${TEXT}\n${PETER_SIGNATURE}`,
      Buffer.concat([Buffer.from([0xff]), Buffer.from(`${TEXT}\n${PETER_SIGNATURE}`)]),
      `\ud800${TEXT}\n${PETER_SIGNATURE}`,
      `${TEXT}\n${PETER_SIGNATURE.replace('PeterNeumann', 'Bad Name')}`,
      `${TEXT}\n${PETER_SIGNATURE}Unexpected line.\n`,
      `${TEXT}\n${PETER_SIGNATURE.replace('—', '-')}`,
      `${TEXT}\n— PeterNeumann x08gow==\n`,
      `${TEXT}\n${PETER_SIGNATURE.repeat(101)}`,
    ];
    for (const note of bad) expect(faultOf(() => openNote(note, [peter]))).toBe('malformed_note');
    for (const text of ['abc', '', 'a\tb\n']) expect(faultOf(() => signNote(text, []))).toBe('malformed_note');
  });

  it('hold for what was signed by any keys, and for nothing else', () => {
    const signers = ['a.example/1', 'b.example/2'].map((name) => parseSignerKey(generateSignerKey(name)));
    const lines = fc.array(
      fc.string({ unit: 'grapheme' }).filter((line) => !/\p{Cc}/u.test(line)),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(lines, fc.nat(), (parts, at) => {
        const text = `${parts.join('\n')}\n`;
        const note = signNote(text, signers);
        expect(openNote(note, signers)).toEqual({ text, signedBy: signers, unknown: [] });
        const bytes = Buffer.from(note);
        bytes[at % Buffer.byteLength(text)]! ^= 1;
        expect(faultOf(() => openNote(bytes, signers))).toMatch(/invalid_signature|malformed_note/);
      }),
    );
  });
});
