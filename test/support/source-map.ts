import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** One import or re-export, and whether anything of it is left at run time. */
export interface Arrow {
  readonly from: string;
  /** A path below `src`, or the name of a package. */
  readonly to: string;
  readonly kind: 'value' | 'type';
}

export interface SourceFile {
  /** Below `src`, with slashes. */
  readonly path: string;
  readonly text: string;
}

const SRC = join(import.meta.dirname, '../../src');

/** Every file of `src`, as it is now. */
export function sourceFiles(): readonly SourceFile[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({
      path: relative(SRC, file).replaceAll('\\', '/'),
      text: readFileSync(file, 'utf8'),
    }));
}

/** What a file imports and re-exports, dynamic imports and imports in types included. */
export function arrowsOf(file: SourceFile): readonly Arrow[] {
  const arrows: Arrow[] = [];
  const add = (specifier: ts.Node | undefined, kind: Arrow['kind']): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    arrows.push({ from: file.path, to: targetOf(file.path, specifier.text), kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node) ? 'type' : 'value');
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeExport(node) ? 'type' : 'value');
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, 'type');
    if (ts.isCallExpression(node) && isLoading(node.expression)) add(node.arguments[0], 'value');
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return arrows;
}

/** What a module remembers at its own scope: each entry says where and what. */
export function moduleState(file: SourceFile): readonly string[] {
  const source = parse(file);
  const names = new Set<string>();
  const found: string[] = [];
  const tell = (node: ts.Node, what: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    found.push(`${file.path}:${line + 1} ${what}`);
  };
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const isConst = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    if (!isConst) tell(statement, 'a variable at module scope');
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (ts.isIdentifier(name)) names.add(name.text);
      if (initializer !== undefined && isContainer(initializer)) tell(statement, 'a container to be filled');
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyDeclaration(node) && hasModifier(node, ts.SyntaxKind.StaticKeyword)) {
      if (!hasModifier(node, ts.SyntaxKind.ReadonlyKeyword)) tell(node, 'a static property that can change');
      if (node.initializer !== undefined && isContainer(node.initializer))
        tell(node, 'a container to be filled');
    }
    const changed = changedName(node);
    if (changed !== undefined && names.has(changed)) tell(node, `"${changed}" is changed`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Default exports and `export *`. */
export function vagueExports(file: SourceFile): readonly string[] {
  return parse(file).statements.flatMap((statement) => {
    if (ts.isExportAssignment(statement)) return [`${file.path} exports a default`];
    if (ts.isExportDeclaration(statement) && statement.exportClause === undefined) {
      return [`${file.path} exports *`];
    }
    if (ts.isExportDeclaration(statement) && exportsDefault(statement))
      return [`${file.path} exports a default`];
    const isDefault = ts.canHaveModifiers(statement) && hasModifier(statement, ts.SyntaxKind.DefaultKeyword);
    return isDefault ? [`${file.path} exports a default`] : [];
  });
}

/** Circles among imports that are left at run time, each named by its files. */
export function circles(arrows: readonly Arrow[]): readonly string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to, kind } of arrows) {
    if (kind === 'value') targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const found = new Set<string>();
  const isDone = new Set<string>();
  const walk = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) found.add([...trail.slice(start), file].join(' > '));
    if (start >= 0 || isDone.has(file)) return;
    for (const next of targets.get(file) ?? []) walk(next, [...trail, file]);
    isDone.add(file);
  };
  for (const file of targets.keys()) walk(file, []);
  return [...found];
}

function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function targetOf(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return join(dirname(from), specifier).replaceAll('\\', '/');
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.isTypeOnly) return true;
  const { name, namedBindings } = importClause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly || exportClause === undefined || !ts.isNamedExports(exportClause)) return isTypeOnly;
  return exportClause.elements.length > 0 && exportClause.elements.every((each) => each.isTypeOnly);
}

function exportsDefault({ exportClause }: ts.ExportDeclaration): boolean {
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) return false;
  return exportClause.elements.some(({ name }) => name.text === 'default');
}

function isLoading(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((each) => each.kind === kind);
}

/** Something that exists to take up things later: a set of constants is given them at once. */
function isContainer(initializer: ts.Expression): boolean {
  if (ts.isArrayLiteralExpression(initializer)) return initializer.elements.length === 0;
  if (ts.isObjectLiteralExpression(initializer)) return initializer.properties.length === 0;
  if (!ts.isNewExpression(initializer)) return false;
  const name = initializer.expression.getText();
  if (name === 'RegExp' || name === 'URL') return false;
  return name !== 'Set' || (initializer.arguments?.length ?? 0) === 0;
}

const CHANGING = new Set(['set', 'add', 'push', 'unshift', 'splice', 'delete', 'clear', 'pop', 'shift']);

/** The name whose value this node changes: `x.y = 1`, `x[y]++`, `delete x.y`, `x.push(1)`, `Object.assign(x, …)`. */
function changedName(node: ts.Node): string | undefined {
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return rootOf(node.left);
  if (ts.isDeleteExpression(node)) return rootOf(node.expression);
  if (ts.isPostfixUnaryExpression(node)) return rootOf(node.operand);
  if (ts.isPrefixUnaryExpression(node)) {
    const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
    return [PlusPlusToken, MinusMinusToken].some((each) => each === node.operator)
      ? rootOf(node.operand)
      : undefined;
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { expression, name } = node.expression;
  if (CHANGING.has(name.text)) return rootOf(expression);
  const isAssign = expression.getText() === 'Object' && /^(assign|defineProper)/.test(name.text);
  return isAssign && node.arguments[0] !== undefined ? rootOf(node.arguments[0]) : undefined;
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function rootOf(expression: ts.Expression): string | undefined {
  if (ts.isIdentifier(expression)) return expression.text;
  if (ts.isPropertyAccessExpression(expression) || ts.isElementAccessExpression(expression)) {
    return rootOf(expression.expression);
  }
  if (
    ts.isParenthesizedExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isNonNullExpression(expression)
  ) {
    return rootOf(expression.expression);
  }
  return undefined;
}
