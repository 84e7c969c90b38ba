// A name server of a story: it answers as the story says, or not at all.
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { seeing } from './task_story.mjs';

const HEADER_BYTES = 12;
const TYPES = { 1: 'A', 28: 'AAAA' };
const ANSWER = 0x8180; // a response, recursion asked for and available
const NO_SUCH_NAME = 3;

function question(packet) {
  const labels = [];
  let at = HEADER_BYTES;
  while (packet[at] !== 0) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + packet[at]));
    at += 1 + packet[at];
  }
  return { name: labels.join('.'), type: TYPES[packet.readUInt16BE(at + 1)], end: at + 5 };
}

function addressBytes(address) {
  if (net.isIPv4(address)) {
    return Buffer.from(address.split('.').map(Number));
  }
  const [head, tail = ''] = address.replace(/^::$/, '::0').split('::');
  const groups = (text) => (text === '' ? [] : text.split(':'));
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill('0');
  const all = address.includes('::') ? [...groups(head), ...zeros, ...groups(tail)] : groups(head);
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function record(address, type) {
  const data = addressBytes(address);
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0); // the name is that of the question
  fixed.writeUInt16BE(type === 'A' ? 1 : 28, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

export class NameServer {
  asked = [];
  host; // its address
  #socket = dgram.createSocket('udp4');
  #within;

  // `answer(name, nth)` is asked for each name and time: the addresses that it has, [] if it does not exist,
  // null for silence.
  static async start(t, answer) {
    const server = new NameServer();
    server.#socket.on('message', (packet, from) => server.#reply(packet, from, answer));
    const host = `127.${1 + (process.pid % 250)}.${1 + Math.floor(Math.random() * 250)}.53`;
    server.host = host;
    server.#socket.bind(53, host); // resolv.conf knows no other port
    await once(server.#socket, 'listening');
    t.after(() => server.#socket.close());
    server.#within = (files) => seeing(t, { '/etc/resolv.conf': `nameserver ${host}\n`, ...files });
    return server;
  }

  // What a command is put behind that is to ask this server.
  within(files = {}) {
    return this.#within(files);
  }

  #reply(packet, from, answer) {
    const { name, type, end } = question(packet);
    this.asked.push({ name, type });
    const nth = this.asked.filter((one) => one.name === name && one.type === type).length;
    const found = answer(name, nth);
    if (found === null) {
      return;
    }
    const records = found.filter((address) => net.isIPv4(address) === (type === 'A')).map((one) => record(one, type));
    const head = Buffer.from(packet.subarray(0, HEADER_BYTES));
    head.writeUInt16BE(found.length === 0 ? ANSWER + NO_SUCH_NAME : ANSWER, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt32BE(0, 8);
    this.#socket.send(Buffer.concat([head, packet.subarray(HEADER_BYTES, end), ...records]), from.port, from.address);
  }
}
