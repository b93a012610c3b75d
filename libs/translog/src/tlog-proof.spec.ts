import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from './canonical-json.js';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { Frontier } from './frontier.js';
import { leafHash } from './hash.js';
import { NoteError, generateSignerKey, parseSignerKey, parseVerifierKey } from './note-keys.js';
import { RangeRoots, inclusionRanges } from './proofs.js';
import { TlogProofError, formatProof, openProof, parseProof } from './tlog-proof.js';

const ORIGIN = 'log.example/7';
const signer = parseSignerKey(generateSignerKey(ORIGIN));
const verifier = parseVerifierKey(signer.verifierKey);
const leaves = Array.from({ length: 11 }, (_, i) => `{"sequence":${i}}`);

function prove(index: number): string {
  const frontier = Frontier.empty();
  const roots = new RangeRoots(inclusionRanges(index, leaves.length));
  for (const leaf of leaves) {
    frontier.append(leafHash(leaf));
    roots.push(leafHash(leaf));
  }
  const checkpoint = signCheckpoint({ origin: ORIGIN, size: leaves.length, root: frontier.root(), extensions: [] }, [
    signer,
  ]);
  return formatProof({ index, hashes: roots.proof(), checkpoint, extra: Buffer.from(leaves[index]!) });
}

describe('checkpoints', () => {
  const root = leafHash('');

  it('are written as C2SP tlog-checkpoint says, and read back', () => {
    const checkpoint = { origin: 'example.com/behind-the-sofa', size: 20852163, root, extensions: ['time 1'] };
    const text = `example.com/behind-the-sofa\n20852163\n${Buffer.from(root).toString('base64')}\ntime 1\n`;
    expect(formatCheckpoint(checkpoint)).toBe(text);
    expect(parseCheckpoint(text)).toEqual(checkpoint);
  });

  it.each([
    ['a leading zero', `o\n01\n${Buffer.from(root).toString('base64')}\n`],
    ['a negative size', `o\n-1\n${Buffer.from(root).toString('base64')}\n`],
    ['a size no double holds', `o\n9007199254740993\n${Buffer.from(root).toString('base64')}\n`],
    ['no root', 'o\n1\n'],
    ['a short root', 'o\n1\nAAAA\n'],
    ['no origin', `\n1\n${Buffer.from(root).toString('base64')}\n`],
    ['an empty extension line', `o\n1\n${Buffer.from(root).toString('base64')}\n\n`],
    ['no end of line', `o\n1\n${Buffer.from(root).toString('base64')}`],
  ])('are refused with %s', (_, text) => expect(() => parseCheckpoint(text)).toThrow(NoteError));

  it('are accepted of the log they are asked of, and of no other', () => {
    const note = signCheckpoint({ origin: ORIGIN, size: 1, root, extensions: [] }, [signer]);
    expect(openCheckpoint(note, ORIGIN, [verifier])).toMatchObject({ size: 1 });
    expect(() => openCheckpoint(note, 'log.example/8', [verifier])).toThrow(NoteError);
    expect(() => openCheckpoint(note.replace('\n1\n', '\n2\n'), ORIGIN, [verifier])).toThrow(NoteError);
  });
});

describe('proof files', () => {
  it('prove each leaf with nothing but the public key', () => {
    leaves.forEach((leaf, index) => {
      const proven = openProof(prove(index), [verifier]);
      expect(Buffer.from(proven.leaf).toString()).toBe(leaf);
      expect(proven).toMatchObject({ index, checkpoint: { origin: ORIGIN, size: 11 }, signedBy: [verifier] });
    });
  });

  it('have the form of C2SP tlog-proof', () => {
    const [head = '', ...checkpoint] = prove(4).split('\n\n');
    expect(head.split('\n').slice(0, 3)).toEqual([
      'c2sp.org/tlog-proof@v1',
      `extra ${Buffer.from(leaves[4]!).toString('base64')}`,
      'index 4',
    ]);
    expect(checkpoint.join('\n\n')).toMatch(/^log\.example\/7\n11\n/);
  });

  it('do not hold for another leaf, place or signature', () => {
    const text = prove(4);
    const base64 = (leaf: string): string => Buffer.from(leaf).toString('base64');
    const otherLeaf = text.replace(base64(leaves[4]!), base64('{"sequence":40}'));
    expect(() => openProof(otherLeaf, [verifier])).toThrow(TlogProofError);
    expect(() => openProof(text.replace('index 4', 'index 5'), [verifier])).toThrow(TlogProofError);
    expect(() => openProof(text.replace('\n11\n', '\n12\n'), [verifier])).toThrow(NoteError);
    const stranger = parseVerifierKey(parseSignerKey(generateSignerKey(ORIGIN)).verifierKey);
    expect(() => openProof(text, [stranger])).toThrow(NoteError);
  });

  it.each([
    ['another header', 'wrong-header\nindex 0\n\ncheckpoint\n'],
    ['extra data that is not base64', 'c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n'],
    ['no index', 'c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n'],
    ['an index that is no number', 'c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n'],
    ['a negative index', 'c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n'],
    ['a hash that is not base64', 'c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n'],
    ['a hash of 64 bytes', `c2sp.org/tlog-proof@v1\nindex 0\n${Buffer.alloc(64).toString('base64')}\n\ncheckpoint\n`],
  ])('are malformed with %s', (_, text) => expect(() => parseProof(text)).toThrow(TlogProofError));

  it('are read without extra data, but prove nothing then', () => {
    const text = prove(0).replace(/^extra .*\n/m, '');
    expect(parseProof(text)).toMatchObject({ index: 0, extra: null });
    expect(() => openProof(text, [verifier])).toThrow(TlogProofError);
  });
});

describe('canonical JSON', () => {
  // The examples of RFC 8785 §3.2.2 to §3.2.4 and some of appendix B.
  it('is that of RFC 8785', () => {
    const value = JSON.parse(`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`) as unknown;
    expect(canonicalJson(value)).toBe(
      `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA'B\\"\\\\\\\\\\"/"}`,
    );
    expect(
      canonicalJson({
        '\u20ac': 'Euro Sign',
        '\r': 'Carriage Return',
        '\ufb33': 'Hebrew Letter Dalet With Dagesh',
        '1': 'One',
        '\ud83d\ude00': 'Emoji: Grinning Face',
        '\u0080': 'Control',
        '\u00f6': 'Latin Small Letter O With Diaeresis',
      }),
    ).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
    expect([0, -0, 5e-324, 9007199254740992, 295147905179352830000, 1e21, 9.5e-7].map(canonicalJson)).toEqual([
      '0',
      '0',
      '5e-324',
      '9007199254740992',
      '295147905179352830000',
      '1e+21',
      '9.5e-7',
    ]);
  });

  it('refuses what JSON cannot hold', () => {
    for (const value of [NaN, Infinity, undefined, 1n, () => 1, '\ud800', { '\udc00': 1 }, [undefined]]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
  });
});
