import { errorBody } from '../oauth-errors.ts';
import { json, type Reply } from '../reply.ts';
import type { Received } from '../traffic.ts';
import type { PaymentLink, World } from '../world.ts';
import { accessOf, fieldsOf, jsonOf, notFound } from './access.ts';
import { merchantForbidden, merchantOf } from './merchant.ts';

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
  const merchant = merchantOf(request, access.entry, world);
  if (merchant.kind === 'foreign') return merchantForbidden();
  const links = linksOf(merchant.id, world);
  switch (operation) {
    case undefined:
      return notFound();
    case 'list':
      return success('paymentLinks', [...links.values()]);
    case 'create':
      return create(fieldsOf(jsonOf(request)), links, world);
    case 'get':
    case 'share':
    case 'update':
      return withLink(links, invoiceNumber, operation, fieldsOf(jsonOf(request)));
  }
}

type Links = Map<string, PaymentLink>;

function linksOf(merchantId: string | undefined, world: World): Links {
  const known = world.links.get(merchantId);
  if (known !== undefined) return known;
  const fresh: Links = new Map();
  world.links.set(merchantId, fresh);
  return fresh;
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

function create(fields: Readonly<Record<string, unknown>>, links: Links, world: World): Reply {
  const invoiceNumber = String(fields.invoiceNumber ?? `INV${links.size + 1}`);
  if (links.has(invoiceNumber)) {
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
  links.set(invoiceNumber, link);
  world.stats.count('paymentLinks');
  return success('paymentLink generated', link);
}

function withLink(
  links: Links,
  invoiceNumber: string,
  operation: 'get' | 'share' | 'update',
  fields: Readonly<Record<string, unknown>>,
): Reply {
  const link = links.get(invoiceNumber);
  if (link === undefined) return failure('paymentLink not found');
  if (operation === 'get') return success(null, { ...link, status: link.active ? 'active' : 'inactive' });
  if (operation === 'share') return success('paymentLink shared', null);
  if (fields.active !== undefined) link.active = fields.active === true;
  if (fields.expiryDate !== undefined) link.expiryDate = fields.expiryDate;
  return success('paymentLink updated', link);
}

function success(message: string | null, result: unknown): Reply {
  return json(200, { status: 0, message, result, errorCode: null, guid: null });
}

/** A business failure is a 200: nothing about it says that the token was refused. */
function failure(message: string): Reply {
  return json(200, { status: -1, message, result: null, errorCode: null, guid: null });
}
