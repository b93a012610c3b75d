import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { OnCall, type CallReply, type IncomingCall } from '@weir/bus';
import { ExecuteCallV1 } from '@weir/contracts';
import { CallExecutor } from '../upstream/call-executor.js';

/** Takes calls off the exec subjects. */
@Controller()
export class ExecuteCallHandler {
  constructor(@Inject(CallExecutor) private readonly executor: CallExecutor) {}

  @OnCall(ExecuteCallV1)
  execute(@Payload() call: IncomingCall, @Ctx() reply: CallReply): void {
    this.executor.execute(call, reply);
  }
}
