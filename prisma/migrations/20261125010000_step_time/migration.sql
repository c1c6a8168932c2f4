-- AlterTable
ALTER TABLE "candidates" ADD COLUMN "step_ms" DOUBLE PRECISION;

-- AlterTable
ALTER TABLE "evaluations" ADD COLUMN "step_ms" DOUBLE PRECISION;
