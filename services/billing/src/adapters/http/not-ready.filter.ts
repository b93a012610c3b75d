import { Catch, ServiceUnavailableException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { DatabaseNotReadyError } from '../store/billing-database.js';

interface Reply {
  status(code: number): Reply;
  send(body: unknown): void;
}

/** Billing starts before Postgres does: until then its administration says so. */
@Catch(DatabaseNotReadyError)
export class NotReadyFilter implements ExceptionFilter<DatabaseNotReadyError> {
  catch(error: DatabaseNotReadyError, host: ArgumentsHost): void {
    const answer = new ServiceUnavailableException(error.message);
    host.switchToHttp().getResponse<Reply>().status(answer.getStatus()).send(answer.getResponse());
  }
}
