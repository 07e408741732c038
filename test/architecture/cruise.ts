import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { cruise, type IForbiddenRuleType } from 'dependency-cruiser';
import ts from 'typescript';

/** Every broken rule as 'rule: from → to', sorted. */
export async function violations(folder: string, rules: readonly IForbiddenRuleType[]): Promise<string[]> {
  const { output } = await cruise(
    ['src'],
    {
      baseDir: resolve(folder),
      validate: true,
      ruleSet: { forbidden: [...rules] },
      // Imports of types count: they couple rooms as well.
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['import', 'node', 'types', 'default'],
        extensions: ['.ts', '.tsx', '.js'],
      },
    },
    {},
    { tsConfig: { options: {}, raw: {}, fileNames: [], errors: [] } },
  );
  if (typeof output === 'string') throw new Error(`dependency-cruiser gave text: ${output}`);
  const { totalCruised, violations: found } = output.summary;
  if (totalCruised === 0) throw new Error(`nothing was found in ${folder}/src`);
  return found.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
}

/** Whether a file does nothing but pass on what other files export. */
export function isBarrel(path: string): boolean {
  const { statements } = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ESNext);
  return (
    statements.length > 0 &&
    statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)
  );
}
