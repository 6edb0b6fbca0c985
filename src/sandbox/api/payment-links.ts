import { errorBody } from '../oauth-errors.ts';
import { json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { PaymentLink, World } from '../world.ts';
import { accessOf, fieldsOf, jsonOf, notFound } from './access.ts';
import { foreignMerchant, merchantForbidden } from './merchant.ts';

type Operation = 'list' | 'get' | 'create' | 'update' | 'share';

const neededScope: Readonly<Record<Operation, string>> = {
  list: 'read_payment_links',
  get: 'read_payment_links',
  share: 'read_payment_links',
  create: 'create_payment_links',
  update: 'update_payment_links',
};

/** Payment Links, below `/payment-links`. */
export function paymentLinks(request: Received, world: World): Reply {
  const [invoiceNumber = '', action = ''] = pathParts(request.url.pathname);
  const operation = operationOf(request.method, invoiceNumber, action);
  const scope = operation === undefined ? undefined : neededScope[operation];
  const access = accessOf(request, world, scope);
  if (access.kind === 'token-refused') return json(401, errorBody('invalid_token'));
  if (access.kind === 'scope-missing') return json(401, errorBody('insufficient_scope'));
  if (foreignMerchant(request, world)) return merchantForbidden();
  switch (operation) {
    case undefined:
      return notFound();
    case 'list':
      return success('paymentLinks', [...world.links.values()]);
    case 'create':
      return create(fieldsOf(jsonOf(request)), world);
    case 'get':
    case 'share':
    case 'update':
      return withLink(world, invoiceNumber, operation, fieldsOf(jsonOf(request)));
  }
}

function pathParts(pathname: string): readonly string[] {
  return pathname
    .split('/')
    .slice(2)
    .filter((part) => part !== '');
}

function operationOf(method: string, invoiceNumber: string, action: string): Operation | undefined {
  if (invoiceNumber === '') return ({ GET: 'list', POST: 'create' } as const)[method];
  if (action === 'share') return method === 'POST' ? 'share' : undefined;
  if (action !== '') return undefined;
  return ({ GET: 'get', PUT: 'update', PATCH: 'update' } as const)[method];
}

function create(fields: Readonly<Record<string, unknown>>, world: World): Reply {
  const invoiceNumber = String(fields.invoiceNumber ?? `INV${world.links.size + 1}`);
  if (world.links.has(invoiceNumber)) {
    return failure('Invoice Number already exists. Please enter new invoice number.');
  }
  if (!(Number(fields.subAmount) > 0)) return failure('Sub Amount is not valid.');
  const link: PaymentLink = {
    invoiceNumber,
    subAmount: fields.subAmount,
    description: fields.description ?? null,
    paymentLink: `http://sandbox.example/${encodeURIComponent(invoiceNumber)}`,
    active: true,
    expiryDate: fields.expiryDate ?? null,
  };
  world.links.set(invoiceNumber, link);
  world.stats.count('paymentLinks');
  return success('paymentLink generated', link);
}

function withLink(
  world: World,
  invoiceNumber: string,
  operation: 'get' | 'share' | 'update',
  fields: Readonly<Record<string, unknown>>,
): Reply {
  const link = world.links.get(invoiceNumber);
  if (link === undefined) return failure('Invoice Number does not exist.');
  if (operation === 'get') return success('paymentLink', link);
  if (operation === 'share') return success('paymentLink shared', null);
  if (fields.active !== undefined) link.active = fields.active === true;
  if (fields.expiryDate !== undefined) link.expiryDate = fields.expiryDate;
  return success('paymentLink updated', link);
}

function success(message: string, result: unknown): Reply {
  return json(200, { status: 0, message, result, errorCode: null, guid: null });
}

/** A business failure is a 200: nothing about it says that the token was refused. */
function failure(message: string): Reply {
  return json(200, { status: -1, message, result: null, errorCode: null, guid: null });
}
