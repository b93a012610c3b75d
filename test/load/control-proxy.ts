/**
 * The control: a bare NestJS + Fastify + undici proxy without any feature, in one process. What Weir costs is stated as a ratio to it, so that
 * the figure carries over to other machines.
 */
import 'reflect-metadata';
import { Controller, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Pool } from 'undici';

const upstream = new Pool(process.argv[2] ?? '', { connections: 256, headersTimeout: 60_000, bodyTimeout: 60_000 });

@Controller()
class ProxyController {
  @Post('v1/chat/completions')
  async forward(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const answer = await upstream.request({
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer upstream' },
      body: request.body as Buffer,
    });
    const type = String(answer.headers['content-type']);
    await reply.status(answer.statusCode).header('content-type', type).send(answer.body);
  }
}

@Module({ controllers: [ProxyController] })
class ProxyModule {}

const adapter = new FastifyAdapter({ bodyLimit: 64 * 1024 * 1024 });
adapter.getInstance().addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => {
  done(null, body);
});
const app = await NestFactory.create<NestFastifyApplication>(ProxyModule, adapter, {
  logger: false,
  bodyParser: false,
});
await app.listen(0, '127.0.0.1');
process.send?.({ port: Number(new URL(await app.getUrl()).port) });
process.on('disconnect', () => process.exit(0));
